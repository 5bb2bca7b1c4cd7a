/* SPDX-License-Identifier: Apache-2.0 */
/* ezcdc audit: verifies and shows audit logs. */

#include <config.h>

#include <string.h>

#include "core/cli/audit_words.h"
#include "core/cli/command.h"

static const struct {
  const char *name;
  int (*run) (int argc, char **argv);
} words[] = {
  { "verify", audit_verify_word },
  { "show", audit_show_word },
  { "checkpoint", audit_checkpoint_word },
  { "public-key", audit_public_key_word },
  { "setup-keys", audit_setup_keys_word },
};

static int
run (int argc, char **argv)
{
  if (argc > 1 && argv[1][0] == '-')
    return command_usage_error (&command_audit, "unknown option %s", argv[1]);
  for (size_t i = 0; argc > 1 && i < sizeof words / sizeof *words; i++)
    if (strcmp (words[i].name, argv[1]) == 0)
      return words[i].run (argc - 1, argv + 1);
  return command_usage_error (
    &command_audit, "verify, show, checkpoint, public-key or setup-keys?");
}

const struct command command_audit = {
  .name = "audit",
  .summary = "verify or show an audit log",
  .usage =
    "Usage: ezcdc audit verify [OPTION]... LOG...\n"
    "       ezcdc audit show [OPTION]... LOG...\n"
    "       ezcdc audit checkpoint LOG\n"
    "       ezcdc audit public-key\n"
    "       ezcdc audit setup-keys FILE\n"
    "\n"
    "verify reads the log from its beginning and checks that no record was\n"
    "changed, removed, inserted or moved. Names the first bad record by its\n"
    "seq and its line; exit code 3 then. Files that were moved away come\n"
    "first, the oldest before all. It needs the encryption key (ezcdc key\n"
    "--help). The log may be in use.\n"
    "\n"
    "  --checkpoint FILE  the log has to hold the records that the\n"
    "                     checkpoints in FILE name: was its end cut off?\n"
    "  --public-key HEX   a key that may have signed them, besides those\n"
    "                     that belong to the encryption keys\n"
    "  --verification-key-file FILE\n"
    "                     the key that setup-keys has printed\n"
    "  --json             the result as a JSON object\n"
    "\n"
    "show prints records, verified or not, and needs no key.\n"
    "\n"
    "  --since, --until TIME  from a time on, and before a time: UTC, as\n"
    "                         2026-01-31, 2026-01-31T23:59 or longer\n"
    "  --action PATTERN       for example credential.*\n"
    "  --outcome WORD         success, failure or denied\n"
    "  --resource PATTERN     what it was done to, for example shop/*\n"
    "  --json                 the records as they are, one a line\n"
    "\n"
    "checkpoint prints a signed note of where the log stands; the one of a\n"
    "run is in LOG.checkpoint. public-key prints the key to check it with.\n"
    "\n"
    "setup-keys makes a key to verify the log of a pipeline with, prints it\n"
    "once, and keeps nothing that leads back to it. Then not even the\n"
    "encryption key is enough to change what was written before.\n",
  .run = run,
};
