export * from '../guide/setup.ts';
