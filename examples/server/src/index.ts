export { readJson, sendJson } from './json-bodies.ts';
export { openAiServer, type ServerOptions } from './openai-server.ts';
export { ModelHost, type ServedModel } from './served-model.ts';
