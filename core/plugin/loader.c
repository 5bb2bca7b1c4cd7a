/* SPDX-License-Identifier: Apache-2.0 */
/* Loading connectors: from a name to a checked copy of a descriptor. */

#include <config.h>

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/memory.h"
#include "core/base/print.h"
#include "core/base/text.h"
#include "core/plugin/host.h"
#include "core/plugin/instance.h"
#include "core/plugin/loader.h"
#include "core/plugin/policy.h"
#include "core/plugin/vet.h"

struct loader {
  char *folder;
  const struct connector_policy *policy;
  const struct instance_services *services; /* or NULL */
  pthread_mutex_t lock;                     /* guards the list */
  struct connector *connectors;
};

typedef const struct ezcdc_connector *(*entry_point) (
  const struct ezcdc_host *host);

int
loader_new (const char *folder, const struct connector_policy *policy,
            const struct instance_services *services,
            struct loader **ret_loader, struct error *error)
{
  struct loader *loader = calloc (1, sizeof *loader);

  if (loader == NULL)
    goto no_memory;
  loader->folder = strdup (folder == NULL ? CONNECTORDIR : folder);
  if (loader->folder == NULL)
    goto no_memory;
  loader->policy = policy;
  loader->services = services;
  pthread_mutex_init (&loader->lock, NULL);
  *ret_loader = loader;
  return 0;

no_memory:
  free (loader);
  return error_set (error, EZCDC_E_MEMORY,
                    "prepare to load connectors: out of memory");
}

/* The object stays mapped, and its descriptor open: see open_object. */
static void
connector_free (struct connector *connector)
{
  free (connector->options);
  free (connector->path);
  free (connector);
}

void
loader_free (struct loader *loader)
{
  if (loader == NULL)
    return;
  while (loader->connectors != NULL) {
    struct connector *connector = loader->connectors;
    loader->connectors = connector->next;
    connector_free (connector);
  }
  pthread_mutex_destroy (&loader->lock);
  free (loader->folder);
  free (loader);
}

const char *
loader_folder (const struct loader *loader)
{
  return loader->folder;
}

/* ---- From a name to a path --------------------------------------------- */

static bool
is_file_name (const char *name)
{
  const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
  size_t length = strnlen (name, 33);

  return length >= 1 && length <= 32 && strspn (name, alphabet) == length
         && name[0] != '-';
}

/* The path to open, for the caller to free; NULL with error set. */
static int
is_connector (const struct dirent *entry)
{
  size_t length = strlen (entry->d_name);

  return length > 3 && strcmp (entry->d_name + length - 3, ".so") == 0;
}

static void
refuse_unknown (const struct loader *loader, const char *name,
                struct error *error)
{
  CLEANUP_TEXT struct text known = { 0 };
  struct dirent **entries;
  int count = scandir (loader->folder, &entries, is_connector, alphasort);

  for (int i = 0; i < count; i++) {
    text_printf (&known, "%s%.*s", i == 0 ? "; there are " : ", ",
                 (int) strlen (entries[i]->d_name) - 3, entries[i]->d_name);
    free (entries[i]);
  }
  if (count >= 0)
    free (entries);
  error_set (error, EZCDC_E_CONFIG, "there is no connector %s in %s%s", name,
             loader->folder, text_string (&known));
}

static char *
find_path (const struct loader *loader, const char *name, bool allow_path,
           struct error *error)
{
  char *path = NULL;

  if (strchr (name, '/') != NULL) {
    if (!allow_path) {
      error_set (error, EZCDC_E_CONFIG,
                 "connector %s is a path; give the name of a connector in "
                 "%s, or write allow_path = yes beside it",
                 name, loader->folder);
      return NULL;
    }
    path = strdup (name);
  }
  else if (!is_file_name (name)) {
    error_set (error, EZCDC_E_CONFIG,
               "\"%s\" is no name of a connector: [a-z0-9_-], at most 32 "
               "characters",
               print_given (name));
    return NULL;
  }
  else if (asprintf (&path, "%s/%s.so", loader->folder, name) < 0)
    path = NULL;
  else if (access (path, F_OK) != 0 && errno == ENOENT) {
    refuse_unknown (loader, name, error);
    free (path);
    return NULL;
  }

  if (path == NULL)
    error_set (error, EZCDC_E_MEMORY, "load connector %s: out of memory",
               name);
  return path;
}

/* ---- From a vetted file to a descriptor -------------------------------- */

/* Opens what was vetted: the copy if there is one, through its descriptor.
 * That one stays open for ever then, because the dynamic linker knows the
 * object by the name /proc/self/fd/N and would hand it out again for another
 * file with the same number. Here the constructors of the object run.
 */
static void *
open_object (struct vetted *vetted, struct error *error)
{
  char by_descriptor[40];
  const char *path = vetted->path;

  if (vetted->copied) {
    snprintf (by_descriptor, sizeof by_descriptor, "/proc/self/fd/%d",
              vetted->descriptor);
    path = by_descriptor;
  }
  void *object = dlopen (path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (object == NULL) {
    const char *why = dlerror ();
    error_set (error, EZCDC_E_CONFIG,
               "load connector %s: %s; is a library missing that it needs?",
               vetted->path, why == NULL ? "unknown reason" : why);
    return NULL;
  }
  if (vetted->copied)
    (void) TAKE_DESCRIPTOR (vetted->descriptor);
  return object;
}

static const struct ezcdc_connector *
ask_descriptor (void *object, const char *path, struct error *error)
{
  entry_point entry;
  void *symbol = dlsym (object, EZCDC_ENTRY_POINT);

  if (symbol == NULL) {
    error_set (error, EZCDC_E_CONFIG,
               "refuse connector %s: it is no connector for ABI %d (it "
               "exports no " EZCDC_ENTRY_POINT ")",
               path, EZCDC_ABI_MAJOR);
    return NULL;
  }
  /* ISO C has no conversion from an object's to a function's pointer. */
  memcpy (&entry, &symbol, sizeof entry);
  const struct ezcdc_connector *descriptor = entry (&host_table);
  if (descriptor == NULL)
    error_set (error, EZCDC_E_CONFIG,
               "refuse connector %s: it cannot work with this program, which "
               "has connector ABI %d.%d",
               path, EZCDC_ABI_MAJOR, EZCDC_ABI_MINOR);
  return descriptor;
}

/* Opens and checks; *connector is empty memory. Takes over vetted's path. */
static int
load_vetted (const struct connector_policy *policy, struct vetted *vetted,
             struct connector *connector, struct error *error)
{
  char what[512];

  if (connector_policy_check_file (policy, vetted, error) != 0)
    return error->code;
  void *object = open_object (vetted, error);
  if (object == NULL)
    return error->code;
  const struct ezcdc_connector *descriptor = ask_descriptor (
    object, vetted->path, error);
  if (descriptor == NULL)
    return error->code;
  snprintf (what, sizeof what, "connector %s", vetted->path);
  if (loader_check (descriptor, what, connector, error) != 0)
    return error->code;
  connector->path = TAKE_POINTER (vetted->path);
  connector->device = vetted->device;
  connector->inode = vetted->inode;
  memcpy (connector->sha256, vetted->sha256, sizeof connector->sha256);
  return connector_policy_check_use (policy, connector, error);
}

/* ---- Audit records ----------------------------------------------------- */

static int
audit (const struct loader *loader, const char *action, const char *path,
       const char *outcome, struct text *detail, struct error *error)
{
  const struct instance_services *services = loader->services;

  if (services == NULL || services->audit == NULL)
    return 0;
  if (detail->failed)
    return error_set (error, EZCDC_E_MEMORY,
                      "write audit record %s: out of memory", action);
  return services->audit (services->context, action, path, outcome,
                          text_string (detail), error);
}

static int
audit_loaded (const struct loader *loader, const struct connector *connector,
              struct error *error)
{
  const struct ezcdc_connector *descriptor = &connector->descriptor;
  CLEANUP_TEXT struct text detail = { 0 };
  struct json json = { .text = &detail };
  char abi[32];

  snprintf (abi, sizeof abi, "%lu.%lu", (unsigned long) descriptor->abi_major,
            (unsigned long) descriptor->abi_minor);
  json_object_begin (&json);
  json_member_text (&json, "path", connector->path);
  json_member_text (&json, "sha256", connector->sha256);
  json_member_text (&json, "require", connector_policy_word (loader->policy));
  json_member_text (&json, "name", descriptor->name);
  json_member_text (&json, "version", descriptor->version);
  json_member_text (&json, "abi", abi);
  json_member_uint64 (&json, "capabilities", descriptor->capabilities);
  json_object_end (&json);
  if (audit (loader, "connector.loaded", connector->path, "success", &detail,
             error)
      != 0)
    return error_prefix (error, "load connector %s", connector->path);
  return 0;
}

/* The refusal stands, whatever becomes of the record: an error here is
 * added to its text. */
static void
audit_rejected (const struct loader *loader, const char *path,
                const char *sha256, struct error *error)
{
  CLEANUP_TEXT struct text detail = { 0 };
  struct json json = { .text = &detail };
  struct error failure = { 0 };

  json_object_begin (&json);
  json_member_text (&json, "path", path);
  if (sha256[0] != '\0')
    json_member_text (&json, "sha256", sha256);
  json_member_text (&json, "reason", error->text);
  json_object_end (&json);
  if (audit (loader, "connector.rejected", path, "denied", &detail, &failure)
      != 0)
    error_set (error, error->code, "%s (and: %s)", error->text, failure.text);
}

/* ---- All of it --------------------------------------------------------- */

static struct connector *
find_loaded (const struct loader *loader, const struct vetted *vetted)
{
  for (struct connector *connector = loader->connectors; connector != NULL;
       connector = connector->next)
    if (connector->device == vetted->device
        && connector->inode == vetted->inode)
      return connector;
  return NULL;
}

/* Another file with the name of one that is loaded would be confused with it
 * in every message. */
static int
check_name_is_new (const struct loader *loader,
                   const struct connector *connector, struct error *error)
{
  for (const struct connector *other = loader->connectors; other != NULL;
       other = other->next)
    if (strcmp (other->descriptor.name, connector->descriptor.name) == 0)
      return error_set (error, EZCDC_E_CONFIG,
                        "refuse connector %s: %s is loaded and is called %s "
                        "too",
                        connector->path, other->path,
                        connector->descriptor.name);
  return 0;
}

/* These two return NULL with error set if they fail. */
static struct connector *
load_new (struct loader *loader, struct vetted *vetted, struct error *error)
{
  struct connector *connector = calloc (1, sizeof *connector);

  if (connector == NULL) {
    error_set (error, EZCDC_E_MEMORY, "load connector %s: out of memory",
               vetted->path);
    return NULL;
  }
  if (load_vetted (loader->policy, vetted, connector, error) != 0
      || check_name_is_new (loader, connector, error) != 0) {
    audit_rejected (loader,
                    connector->path == NULL ? vetted->path : connector->path,
                    vetted->sha256, error);
    goto error;
  }
  if (audit_loaded (loader, connector, error) != 0)
    goto error;
  connector->next = loader->connectors;
  loader->connectors = connector;
  return connector;

error:
  connector_free (connector);
  return NULL;
}

static struct connector *
load_path (struct loader *loader, const char *path, struct error *error)
{
  struct vetted vetted = { .descriptor = -1 };

  if (vet_file (path, loader->policy->require != POLICY_OWNER, &vetted, error)
      != 0) {
    audit_rejected (loader, path, "", error);
    return NULL;
  }
  struct connector *connector = find_loaded (loader, &vetted);
  if (connector == NULL)
    connector = load_new (loader, &vetted, error);
  vetted_clear (&vetted);
  return connector;
}

static int
check_wanted_kind (const struct connector *connector, uint32_t kind,
                   struct error *error)
{
  uint32_t missing = kind & ~connector->descriptor.kind;

  if (missing == 0)
    return 0;
  return error_set (error, EZCDC_E_CONFIG, "connector %s (%s) is no %s",
                    connector->descriptor.name, connector->path,
                    (missing & EZCDC_KIND_SOURCE) != 0 ? "source" : "sink");
}

int
loader_load (struct loader *loader, const char *name, bool allow_path,
             uint32_t kind, struct connector **ret_connector,
             struct error *error)
{
  CLEANUP_FREE char *path = find_path (loader, name, allow_path, error);

  if (path == NULL)
    return error->code;
  pthread_mutex_lock (&loader->lock);
  struct connector *connector = load_path (loader, path, error);
  pthread_mutex_unlock (&loader->lock);
  if (connector == NULL || check_wanted_kind (connector, kind, error) != 0)
    return error->code;
  *ret_connector = connector;
  return 0;
}
