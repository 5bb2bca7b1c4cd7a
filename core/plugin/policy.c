/* SPDX-License-Identifier: Apache-2.0 */
/* Which connectors may be loaded, as [connectors] says. */

#include <config.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>

#include <ezcdc/connector.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/memory.h"
#include "core/base/names.h"
#include "core/base/text.h"
#include "core/plugin/capabilities.h"
#include "core/plugin/loader.h"
#include "core/plugin/policy.h"
#include "core/plugin/signature.h"

#define SECTION "connectors"
#define KEY_FILE_MAX 16384
#define DIGESTS_MAX 1024

static const struct ezcdc_option policy_options[] = {
  {
    .name = "require",
    .type = EZCDC_OPTION_CHOICE,
    .choices = "owner|sha256|signature",
    .default_value = "owner",
    .help = "what a connector's file needs beside the right owner and mode",
  },
  {
    .name = "sha256",
    .type = EZCDC_OPTION_STRING,
    .help = "digests of the files that may be loaded, with commas between",
  },
  {
    .name = "public_key",
    .type = OPTION_PEM,
    .help = "Ed25519 key that the files are signed with",
  },
  {
    .name = "deny",
    .type = EZCDC_OPTION_STRING,
    .help = "capabilities that no connector may declare, with commas between",
  },
};

const struct option_table connector_policy_options = {
  .options = policy_options,
  .count = sizeof policy_options / sizeof policy_options[0],
};

/* ---- Reading ----------------------------------------------------------- */

/* What the parts of a list are read into. */
struct reading {
  const struct ini *ini;
  const struct option_set *options;
  struct connector_policy *policy;
};

static int refuse (const struct reading *reading, const char *option,
                   struct error *error, const char *format, ...)
  __attribute__ ((format (printf, 4, 5)));

static int
refuse (const struct reading *reading, const char *option, struct error *error,
        const char *format, ...)
{
  CLEANUP_TEXT struct text text = { 0 };
  va_list arguments;

  va_start (arguments, format);
  text_vprintf (&text, format, arguments);
  va_end (arguments);
  return ini_error (error, reading->ini, SECTION, option,
                    option_set_line (reading->options, option), "%s",
                    text_string (&text));
}

/* Calls take with each part of a list, without the blanks around it. */
static int
read_list (struct reading *reading, const char *option,
           int (*take) (struct reading *reading, const char *part,
                        struct error *error),
           struct error *error)
{
  const char *list = option_set_string (reading->options, option);
  CLEANUP_FREE char *copy = list == NULL ? NULL : strdup (list);
  char *rest = NULL;

  if (list == NULL)
    return 0;
  if (copy == NULL)
    return error_set (error, EZCDC_E_MEMORY,
                      "read [connectors]: out of "
                      "memory");
  for (char *part = strtok_r (copy, ", \t", &rest); part != NULL;
       part = strtok_r (NULL, ", \t", &rest))
    if (take (reading, part, error) != 0)
      return error->code;
  return 0;
}

static int
take_digest (struct reading *reading, const char *part, struct error *error)
{
  struct connector_policy *policy = reading->policy;
  const size_t digits = sizeof policy->digests[0] - 1;

  if (strlen (part) != digits
      || strspn (part, "0123456789abcdefABCDEF") != digits)
    return refuse (reading, "sha256", error,
                   "\"%.80s\" is no SHA-256: 64 hexadecimal digits, as "
                   "\"ezcdc connectors\" and sha256sum print them",
                   part);
  if (policy->digest_count == DIGESTS_MAX)
    return refuse (reading, "sha256", error, "has more than %d digests",
                   DIGESTS_MAX);
  void *more = realloc (policy->digests, (policy->digest_count + 1)
                                           * sizeof policy->digests[0]);
  if (more == NULL)
    return error_set (error, EZCDC_E_MEMORY,
                      "read [connectors]: out of "
                      "memory");
  policy->digests = more;
  char *digest = policy->digests[policy->digest_count++];
  for (size_t i = 0; i <= digits; i++)
    digest[i] = (char) tolower ((unsigned char) part[i]);
  return 0;
}

static int
take_denied (struct reading *reading, const char *part, struct error *error)
{
  CLEANUP_TEXT struct text known = { 0 };

  for (size_t i = 0; i < capability_count; i++) {
    if (!capabilities[i].deniable)
      continue;
    if (strcmp (part, capabilities[i].name) == 0) {
      reading->policy->denied |= capabilities[i].bit;
      return 0;
    }
    text_printf (&known, "%s%s", known.length > 0 ? ", " : "",
                 capabilities[i].name);
  }
  return refuse (reading, "deny", error,
                 "\"%.40s\" is no capability that can be denied; there are %s",
                 part, text_string (&known));
}

static int
read_key (struct reading *reading, struct error *error)
{
  CLEANUP_TEXT struct text text = { 0 };
  const char *given = NULL;
  enum option_pem form = option_set_pem (reading->options, "public_key",
                                         &given);

  if (form == OPTION_PEM_NONE)
    return 0;
  if (form == OPTION_PEM_SEALED)
    return refuse (reading, "public_key", error,
                   "is no secret: give a path or PEM text");
  if (form == OPTION_PEM_INLINE)
    text_append_string (&text, given);
  else if (file_read (given, KEY_FILE_MAX, &text, error) != 0)
    return error_prefix (error, "%s: " SECTION ".public_key",
                         ini_path (reading->ini));
  reading->policy->key = signature_key (text_string (&text), text.length);
  if (reading->policy->key == NULL)
    return refuse (reading, "public_key", error,
                   "holds no Ed25519 public key (openssl pkey -in KEY "
                   "-pubout)");
  return 0;
}

/* What is written has to be what is checked. */
static int
check_whole (const struct reading *reading, struct error *error)
{
  const struct connector_policy *policy = reading->policy;
  bool digests = option_set_given (reading->options, "sha256");
  bool key = option_set_given (reading->options, "public_key");

  if (policy->require == POLICY_SHA256 && policy->digest_count == 0)
    return refuse (reading, "require", error,
                   "sha256 needs the digests in " SECTION ".sha256");
  if (policy->require == POLICY_SIGNATURE && policy->key == NULL)
    return refuse (reading, "require", error,
                   "signature needs the key in " SECTION ".public_key");
  if (policy->require != POLICY_SHA256 && digests)
    return refuse (reading, "sha256", error,
                   "is looked at with require = sha256 only");
  if (policy->require != POLICY_SIGNATURE && key)
    return refuse (reading, "public_key", error,
                   "is looked at with require = signature only");
  return 0;
}

static int
read_section (struct reading *reading, struct error *error)
{
  reading->policy->require = (enum policy_require) option_set_integer (
    reading->options, "require");
  if (read_list (reading, "sha256", take_digest, error) != 0
      || read_list (reading, "deny", take_denied, error) != 0
      || read_key (reading, error) != 0)
    return error->code;
  return check_whole (reading, error);
}

int
connector_policy_read (const struct ini *ini,
                       struct connector_policy *ret_policy,
                       struct error *error)
{
  struct connector_policy policy = { 0 };
  struct option_set *options = NULL;
  struct reading reading = { .ini = ini, .policy = &policy };
  int code = option_set_parse (ini, ini_section (ini, SECTION),
                               &connector_policy_options, 1, &options, error);

  if (code != 0)
    return code;
  reading.options = options;
  code = read_section (&reading, error);
  option_set_free (options);
  if (code == 0)
    *ret_policy = policy;
  else
    connector_policy_free (&policy);
  return code;
}

void
connector_policy_free (struct connector_policy *policy)
{
  free (policy->digests);
  EVP_PKEY_free (policy->key);
  *policy = (struct connector_policy){ 0 };
}

/* ---- Checking ---------------------------------------------------------- */

const char *
connector_policy_word (const struct connector_policy *policy)
{
  switch (policy->require) {
  case POLICY_SHA256:
    return "sha256";
  case POLICY_SIGNATURE:
    return "signature";
  case POLICY_OWNER:
    break;
  }
  return "owner";
}

static int
check_digest (const struct connector_policy *policy,
              const struct vetted *vetted, struct error *error)
{
  for (size_t i = 0; i < policy->digest_count; i++)
    if (strcmp (policy->digests[i], vetted->sha256) == 0)
      return 0;
  return error_set (error, EZCDC_E_CONFIG,
                    "refuse connector %s: its SHA-256 %s is not in " SECTION
                    ".sha256; add it there if this is the file that you mean",
                    vetted->path, vetted->sha256);
}

int
connector_policy_check_file (const struct connector_policy *policy,
                             const struct vetted *vetted, struct error *error)
{
  switch (policy->require) {
  case POLICY_SHA256:
    return check_digest (policy, vetted, error);
  case POLICY_SIGNATURE:
    return signature_check (policy->key, vetted->descriptor, vetted->path,
                            error);
  case POLICY_OWNER:
    break;
  }
  return 0;
}

int
connector_policy_check_use (const struct connector_policy *policy,
                            const struct connector *connector,
                            struct error *error)
{
  uint64_t denied = connector->descriptor.capabilities & policy->denied;

  for (size_t i = 0; i < capability_count; i++)
    if ((denied & capabilities[i].bit) != 0)
      return error_set (
        error, EZCDC_E_CONFIG,
        "refuse connector %s: it %s (%s), which " SECTION ".deny forbids",
        connector->path, capabilities[i].text, capabilities[i].name);
  return 0;
}
