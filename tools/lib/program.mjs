import { dirname, join } from 'node:path';
import { launch } from './launch.mjs';
import { runMain } from './log.mjs';
import { root } from './paths.mjs';
import { prepare } from './setup.mjs';

/**
 * A tool that prepares the machine and hands its arguments to a TypeScript program, from the packages' sources. What the program
 * takes is in a `usage.txt` beside it.
 * @param entry path from the root
 * @param find what to run on, by the arguments; default the best adapter
 */
export const runProgram = (entry, { peers = true, find = () => undefined } = {}) =>
  runMain(
    async (args) => {
      const found = find(args);
      const env = await prepare({ peers });
      const { code } = await launch(env, entry, args, {
        source: true,
        ...(found && { find: found }),
      });
      return code;
    },
    { usage: join(root, dirname(entry), 'usage.txt') },
  );
