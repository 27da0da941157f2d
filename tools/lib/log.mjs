const started = Date.now();

/** One line of progress on standard error; standard output belongs to results. */
export function say(stage, text) {
  const seconds = ((Date.now() - started) / 1000).toFixed(1).padStart(6);
  process.stderr.write(`${seconds} s  ${stage.padEnd(10)} ${text}\n`);
}

/** A failure that the user can mend: printed without a stack. */
export class SetupError extends Error {}

/** Runs a tool's main function; its number is the exit status. */
export async function runMain(main) {
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`\nheed: ${error.message}\n`);
    process.exitCode = 1;
  }
}
