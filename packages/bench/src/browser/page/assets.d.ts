/** A file's URL in the page, by Vite. */
declare module '*?url' {
  const url: string;
  export default url;
}
