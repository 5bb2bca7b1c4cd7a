/* SPDX-License-Identifier: Apache-2.0 */
/* The words behind "ezcdc audit", each in a file of its own. argv[0] is the
 * word; each returns an exit code. */

#ifndef EZCDC_CLI_AUDIT_WORDS_H
#define EZCDC_CLI_AUDIT_WORDS_H

int audit_verify_word (int argc, char **argv);
int audit_show_word (int argc, char **argv);
int audit_checkpoint_word (int argc, char **argv);
int audit_public_key_word (int argc, char **argv);
int audit_setup_keys_word (int argc, char **argv);

#endif
