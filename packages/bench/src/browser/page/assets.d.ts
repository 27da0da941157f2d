/** vite's: where the page finds a file. */
declare module '*?url' {
  const url: string;
  export default url;
}
