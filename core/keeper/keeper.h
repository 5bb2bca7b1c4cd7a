/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper: the process that holds the keys.
 *
 *   ezcdc run shop.ini
 *     keeper ---- fork, exec of ourselves ----> runner
 *       reads the key, wipes the environment      has a clean environment
 *       opens sealed values on request            loads the connectors
 *       writes the audit log                      moves the rows
 *       restarts a runner that crashed            ends with its keeper
 *
 * No connector and no database library is ever loaded into the keeper, and
 * what comes from the runner is read as if an enemy had written it.
 */

#ifndef EZCDC_KEEPER_KEEPER_H
#define EZCDC_KEEPER_KEEPER_H

/* Modes that differ for the keeper:
 *
 *   "run"       takes the pipeline's lock; restarts a runner that crashed
 *               for as long as it takes
 *   "catch-up"  the same for a run that ends by itself: gives up (exit code
 *               1) when the runner crashes five times in a row
 *   others      ("check", "verify", ...) take no lock, so they work beside a
 *               run; a runner that crashes is exit code 1
 *
 * What the runner's exit code means: 0 to 3 end the keeper with the same
 * code, if runner_main has returned it; a signal, any other code and a process
 * that was ended by something else are a crash.
 */
#define RUNNER_EXIT_CRASH 70 /* for the runner to say so itself */
#define RUNNER_EXIT_AGAIN 71 /* of a run: go on in a new runner, at once */

/* Becomes the keeper of the pipeline in ini_path and returns the exit code of
 * the program. The runner is started as
 *
 *   ezcdc: runner --runner MODE ARGV[0] ARGV[1] ...
 *
 * Everything that goes wrong has been logged. While it works, SIGTERM and
 * SIGINT go on to the runner, which drains and ends with 0 (and is killed if
 * it has not after 60 s); SIGHUP reloads the keys and goes on to the runner.
 */
int keeper_command (const char *mode, int argc, char **argv,
                    const char *ini_path) __attribute__ ((nonnull));

/* What the program does when its first word is "--runner": makes the process
 * a runner (no dumps, no new privileges, ends with its keeper) and calls
 * runner_main with the mode, the arguments that keeper_command was given and
 * the descriptor for keeper_link_open. Returns what runner_main did, and has
 * told the keeper. argc and argv are main's.
 */
typedef int (*runner_main_function) (const char *mode, int argc, char **argv,
                                     int keeper_descriptor);
int runner_enter (int argc, char **argv, runner_main_function runner_main)
  __attribute__ ((nonnull));

#endif
