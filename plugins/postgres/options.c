/* SPDX-License-Identifier: Apache-2.0 */
/* The connector's options. */

#include <stdio.h>
#include <string.h>

#include "authentication.h"
#include "options.h"

const struct ezcdc_option postgres_options[POSTGRES_OPTION_COUNT] = {
  {
    .name = "host",
    .type = EZCDC_OPTION_STRING,
    .flags = EZCDC_OPTION_REQUIRED,
    .help = "name or address of the server",
  },
  {
    .name = "port",
    .type = EZCDC_OPTION_INTEGER,
    .default_value = "5432",
    .minimum = 1,
    .maximum = 65535,
    .help = "port of the server",
  },
  {
    .name = "database",
    .type = EZCDC_OPTION_STRING,
    .flags = EZCDC_OPTION_REQUIRED,
    .help = "database to read",
  },
  {
    .name = "user",
    .type = EZCDC_OPTION_STRING,
    .flags = EZCDC_OPTION_REQUIRED,
    .help = "role with REPLICATION and SELECT on the tables",
  },
  {
    .name = "password",
    .type = EZCDC_OPTION_SECRET,
    .flags = EZCDC_OPTION_RELOADABLE,
    .help = "the role's password, if the server asks for one",
  },
  {
    .name = "tables",
    .type = EZCDC_OPTION_STRING,
    .flags = EZCDC_OPTION_REQUIRED,
    .help = "patterns with commas between, * and ? match, ! leaves out:"
            " public.order_*, !*.*_archive",
  },
  {
    .name = "slot",
    .type = EZCDC_OPTION_STRING,
    .help = "replication slot, made if missing (default: ezcdc_NAME)",
  },
  {
    .name = "publication",
    .type = EZCDC_OPTION_STRING,
    .help = "publication, made if missing (default: ezcdc_NAME)",
  },
  {
    .name = "snapshot",
    .type = EZCDC_OPTION_CHOICE,
    .default_value = "initial",
    .choices = "initial|never|only",
    .help = "copy the tables first, never, or do nothing else",
  },
  {
    .name = "snapshot_workers",
    .type = EZCDC_OPTION_INTEGER,
    .default_value = "2",
    .minimum = 1,
    .maximum = 64,
    .help = "connections that copy at the same time",
  },
  {
    .name = "connect_timeout",
    .type = EZCDC_OPTION_DURATION,
    .default_value = "15s",
    .minimum = INT64_C (1000000),
    .maximum = INT64_C (600000000),
    .help = "how long to wait for a connection to stand",
  },
  {
    .name = "answer_timeout",
    .type = EZCDC_OPTION_DURATION,
    .default_value = "2min",
    .minimum = INT64_C (1000000),
    .maximum = INT64_C (86400000000),
    .help = "how long to wait for an answer about the catalog",
  },
  {
    .name = "channel_binding",
    .type = EZCDC_OPTION_CHOICE,
    .default_value = "auto",
    .choices = "auto|require|prefer|disable",
    .help = "bind the password to the TLS connection; auto requires it where"
            " ssl_mode is require or stricter",
  },
  {
    .name = "require_auth",
    .type = EZCDC_OPTION_STRING,
    .help = "methods to answer, of scram-sha-256, md5, password, none"
            " (default: scram-sha-256 unless TLS is verified)",
  },
};

/* libpq takes lists of hosts and sockets for a host; neither can be verified
 * the way ssl_mode says. A URL may have a password in it: nothing of the value
 * is repeated. */
static int
options_check_place (struct postgres *self)
{
  const char *server = self->server;
  size_t i;

  if (*server == '\0' || *server == '/' || *server == '@')
    return host->fail (self->instance, EZCDC_E_CONFIG,
                       "host: the name or address of a server is needed (not"
                       " a socket)");
  for (i = 0; server[i] != '\0'; i++)
    if (strchr ("/@=", server[i]) != NULL)
      return host->fail (self->instance, EZCDC_E_CONFIG,
                         "host: a name or an address, not a URL");
    else if (server[i] == ',' || (unsigned char) server[i] <= ' '
             || server[i] == 0x7f)
      return host->fail (self->instance, EZCDC_E_CONFIG,
                         "host: one name or address, without commas and"
                         " blanks");
  if (strstr (self->database, "://") != NULL
      || strstr (self->database, "password=") != NULL)
    return host->fail (self->instance, EZCDC_E_CONFIG,
                       "database: a name, not a URL or connection string");
  return EZCDC_OK;
}

/* A name of ours: the option, or ezcdc_NAME. */
static int
options_name (struct postgres *self, const char *option,
              char ret_name[POSTGRES_NAME_SIZE])
{
  const char *name = host->option_string (self->instance, option);
  int length;

  if (name != NULL)
    length = snprintf (ret_name, POSTGRES_NAME_SIZE, "%s", name);
  else
    length = snprintf (ret_name, POSTGRES_NAME_SIZE, "ezcdc_%s",
                       host->pipeline_name (self->instance));
  if (length <= 0 || length >= POSTGRES_NAME_SIZE)
    return host->fail (self->instance, EZCDC_E_CONFIG,
                       "%s: a name has 1 to %d bytes", option,
                       POSTGRES_NAME_SIZE - 1);
  return EZCDC_OK;
}

static int
options_slot (struct postgres *self)
{
  int code = options_name (self, "slot", self->slot);

  if (code == EZCDC_OK
      && self->slot[strspn (self->slot, "abcdefghijklmnopqrstuvwxyz"
                                        "0123456789_")]
           != '\0')
    code = host->fail (self->instance, EZCDC_E_CONFIG,
                       "slot: only a-z, 0-9 and _ make a slot's name, \"%s\""
                       " has others",
                       self->slot);
  return code;
}

/* A password in the clear goes to a server that has proved who it is, or to
 * none. */
static int
options_methods (struct postgres *self)
{
  const char *text = host->option_string (self->instance, "require_auth");
  const struct ezcdc_tls *tls = host->tls (self->instance);

  if (text == NULL)
    return EZCDC_OK;
  if (!authentication_parse (text, &self->methods))
    return host->fail (self->instance, EZCDC_E_CONFIG,
                       "require_auth: a list of scram-sha-256, md5, password,"
                       " none with commas between, not \"%s\"",
                       text);
  if ((self->methods & AUTHENTICATION_PASSWORD) != 0
      && tls->mode < EZCDC_TLS_VERIFY_CA)
    return host->fail (self->instance, EZCDC_E_CONFIG,
                       "require_auth: password, which is sent in the clear,"
                       " needs ssl_mode = verify-ca or verify-full");
  return EZCDC_OK;
}

int
options_read (struct postgres *self)
{
  struct ezcdc_instance *instance = self->instance;
  char problem[256];
  int code;

  self->server = host->option_string (instance, "host");
  self->database = host->option_string (instance, "database");
  self->user = host->option_string (instance, "user");
  self->password = host->option_sealed (instance, "password");
  self->channel_binding = host->option_string (instance, "channel_binding");
  self->connect_timeout_ms = host->option_integer (instance, "connect_timeout")
                             / 1000;
  self->answer_timeout_ms = host->option_integer (instance, "answer_timeout")
                            / 1000;
  snprintf (self->port, sizeof self->port, "%d",
            (int) host->option_integer (instance, "port"));
  snprintf (self->application, sizeof self->application, "ezcdc_%s",
            host->pipeline_name (instance));
  code = options_check_place (self);
  if (code == EZCDC_OK)
    code = options_methods (self);
  if (code == EZCDC_OK)
    code = options_slot (self);
  if (code == EZCDC_OK)
    code = options_name (self, "publication", self->publication);
  if (code == EZCDC_OK
      && !patterns_parse (host->option_string (instance, "tables"),
                          &self->patterns, problem, sizeof problem))
    code = host->fail (instance, EZCDC_E_CONFIG, "tables: %s", problem);
  return code;
}
