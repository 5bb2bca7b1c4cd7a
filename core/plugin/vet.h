/* SPDX-License-Identifier: Apache-2.0 */
/* Vetting of a connector's file before any of its code runs. */

#ifndef EZCDC_PLUGIN_VET_H
#define EZCDC_PLUGIN_VET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct error;

#define VET_DIGEST_TEXT_SIZE 65 /* 64 hexadecimal digits and a NUL */

/* A file that passed. */
struct vetted {
  int descriptor; /* what the content was read from: the file, or a copy that
                      nobody can change (sealed_copy.h); the caller closes */
  char *path;     /* absolute, no symbolic link in it; the caller frees it */
  bool copied;    /* descriptor is that of a copy */
  uint64_t device;
  uint64_t inode;
  char sha256[VET_DIGEST_TEXT_SIZE]; /* lower case */
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
 *
 * The content is looked at in a copy, unless file and folders are root's,
 * who could change this program, too; with always_copy also then.
 * error has code EZCDC_E_CONFIG and names the path.
 */
int vet_file (const char *path, bool always_copy, struct vetted *ret_vetted,
              struct error *error);
void vetted_clear (struct vetted *vetted);

/* Looks at the ELF file behind descriptor: a shared object for this machine
 * (compared with the running program itself), no executable stack, no segment
 * writable and executable, no text relocations, no RPATH or RUNPATH. path is
 * for messages. */
int vet_elf (int descriptor, const char *path, struct error *error);

#endif
