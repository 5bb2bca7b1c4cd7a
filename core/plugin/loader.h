/* SPDX-License-Identifier: Apache-2.0 */
/* Loading connectors: finds the file, vets it, opens it, checks what it
 * says about itself, and keeps a copy that is complete.
 *
 *   name -> path -> vet (vet.h) -> policy (policy.h) -> dlopen -> entry point
 *        -> descriptor checks -> copy -> policy -> audit record
 *        -> struct connector
 *
 * Nothing is ever unloaded: that is not safe with threads, and debuggers
 * keep their names.
 */

#ifndef EZCDC_PLUGIN_LOADER_H
#define EZCDC_PLUGIN_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ezcdc/connector.h>

#include "core/plugin/turn.h"

struct connector_policy;
struct error;
struct instance_services;

/* A loaded connector; constant but for its lock, lives as long as its loader.
 * All its tables are copies of the size this program knows: members that the
 * connector did not have are zero.
 */
struct connector {
  struct ezcdc_connector descriptor; /* options, source and sink point below */
  struct ezcdc_option *options;
  struct ezcdc_source source; /* all zero if it is no source */
  struct ezcdc_sink sink;     /* all zero if it is no sink */
  char *path;                 /* absolute, without symbolic links */
  char sha256[65];            /* of the file, hexadecimal */
  uint64_t device;            /* the file's identity */
  uint64_t inode;
  struct turn turn; /* for EZCDC_THREADS_ONE; see instance_lock */
  struct connector *next;
};

struct loader;

/* folder: where names are looked up; NULL: the one this program was
 * installed with. policy: what may be loaded. services: for audit records,
 * NULL: none. Both are lent as long as the loader lives. */
int loader_new (const char *folder, const struct connector_policy *policy,
                const struct instance_services *services,
                struct loader **ret_loader, struct error *error);
/* Frees the bookkeeping. The objects stay mapped. */
void loader_free (struct loader *loader);

const char *loader_folder (const struct loader *loader);

/* Loads a connector by name, or by path (whatever has a slash) if allow_path
 * is set. The same file a second time is the same connector. kind: what it
 * must be able to be, EZCDC_KIND_..., 0: anything. On failure the code is
 * EZCDC_E_CONFIG, or EZCDC_E_OPERATOR if the audit record could not be
 * written. Thread-safe.
 */
int loader_load (struct loader *loader, const char *name, bool allow_path,
                 uint32_t kind, struct connector **ret_connector,
                 struct error *error);

/* Only checks and copies a descriptor; what names the file in messages.
 * path of ret_connector stays NULL. Part of loader_load, apart for tests. */
int loader_check (const struct ezcdc_connector *descriptor, const char *what,
                  struct connector *ret_connector, struct error *error);

#endif
