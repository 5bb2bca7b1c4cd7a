/* SPDX-License-Identifier: Apache-2.0 */
/* Vetting of a connector's file before any of its code runs. */

#ifndef EZCDC_PLUGIN_VET_H
#define EZCDC_PLUGIN_VET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct error;

/* A file that passed. */
struct vetted {
  int descriptor;  /* open for reading, close-on-exec; the caller closes it */
  char *path;      /* absolute, no symbolic link in it; the caller frees it */
  bool roots_only; /* the file and all folders above it are root's */
  uint64_t device;
  uint64_t inode;
  char sha256[65]; /* hexadecimal, lower case */
};

/* Opens the file at path and looks at it:
 *
 *   the file     no symbolic link; regular; owned by root, by the user who
 *                runs this, or by the owner of this program (who could
 *                change the program as well); not writable by group or
 *                others (an access list shows as group's right)
 *   the folders  each up to "/", after links are resolved, likewise; one
 *                that all may write to passes if it is sticky like /tmp, as
 *                then only the owner of the entry can replace it, and the
 *                entry's owner has been looked at
 *   the content  vet_elf
 *
 * The number of hard links does not matter: to change the content through
 * another name takes the same rights, and some systems link equal files.
 * error has code EZCDC_E_CONFIG and names the path.
 */
int vet_file (const char *path, struct vetted *ret_vetted,
              struct error *error);
void vetted_clear (struct vetted *vetted);

/* Looks at the ELF file behind descriptor: a shared object for this machine
 * (compared with the running program itself), no executable stack, no segment
 * writable and executable, no text relocations, no RPATH or RUNPATH. path is
 * for messages. */
int vet_elf (int descriptor, const char *path, struct error *error);

#endif
