/* SPDX-License-Identifier: Apache-2.0 */
/* What was negotiated with each peer. */

#include <config.h>

#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/plugin/options.h"
#include "core/runner/assembly.h"
#include "core/runner/connections.h"

/* For a connector that brings TLS of its own, without the core's options. */
#define EXPIRY_DAYS 30

static void
audit (struct assembly *assembly, const char *action,
       const struct assembly_connection *fact)
{
  CLEANUP_TEXT struct text detail = { 0 };
  struct json json = { .text = &detail };
  struct error error = { 0 };

  json_object_begin (&json);
  json_member_text (&json, "section", fact->section);
  json_member_text (&json, "version", fact->version[0] ? fact->version : NULL);
  json_member_text (&json, "cipher", fact->cipher[0] ? fact->cipher : NULL);
  if (fact->certificate.fingerprint[0] != '\0') {
    json_member_text (&json, "fingerprint", fact->certificate.fingerprint);
    json_member_text (&json, "expires", fact->certificate.expires_text);
  }
  json_object_end (&json);
  if (keeper_link_audit (assembly->link, action, fact->peer, "success",
                         text_string (&detail), &error)
      < 0)
    log_message (LEVEL_WARNING, "%s", error.text);
}

static bool
is_expiring (const struct assembly_connection *fact)
{
  return fact->certificate.fingerprint[0] != '\0'
         && certificate_expires_within (&fact->certificate, fact->expiry_days);
}

static void
tell_expiry (struct assembly *assembly, const struct assembly_connection *fact)
{
  bool over = certificate_expires_within (&fact->certificate, 0);

  log_message (
    LEVEL_WARNING, "%s: the certificate of %s (SHA-256 %s) %s on %s; renew it",
    fact->section, fact->peer, fact->certificate.fingerprint,
    over ? "has expired" : "expires", fact->certificate.expires_text);
  audit (assembly, "tls.expiring", fact);
}

static void
tell_connection (struct assembly *assembly,
                 const struct assembly_connection *fact)
{
  if (fact->version[0] == '\0')
    log_message (LEVEL_WARNING,
                 "%s: connected to %s in the clear, without TLS",
                 fact->section, fact->peer);
  else if (fact->certificate.fingerprint[0] == '\0')
    log_message (LEVEL_INFO, "%s: connected to %s, %s, %s", fact->section,
                 fact->peer, fact->version, fact->cipher);
  else
    log_message (LEVEL_INFO,
                 "%s: connected to %s, %s, %s, certificate SHA-256 %s until "
                 "%s",
                 fact->section, fact->peer, fact->version, fact->cipher,
                 fact->certificate.fingerprint,
                 fact->certificate.expires_text);
  audit (assembly, "tls.negotiated", fact);
}

/* Remembers the newest facts about each peer. True if they are news; then the
 * expiry of the certificate is told by the caller, if at all. */
static bool
remember (struct assembly *assembly, struct assembly_connection *fact)
{
  struct assembly_connection *place = NULL;
  bool news = true;

  pthread_mutex_lock (&assembly->lock);
  for (size_t i = 0; i < assembly->connection_count; i++)
    if (strcmp (assembly->connections[i].section, fact->section) == 0
        && strcmp (assembly->connections[i].peer, fact->peer) == 0)
      place = &assembly->connections[i];
  if (place == NULL && assembly->connection_count < ASSEMBLY_CONNECTIONS)
    place = &assembly->connections[assembly->connection_count++];
  /* Of more than anybody has each connection would be news. */
  if (place == NULL)
    news = false;
  if (place != NULL) {
    news = strcmp (place->version, fact->version) != 0
           || strcmp (place->cipher, fact->cipher) != 0
           || strcmp (place->certificate.fingerprint,
                      fact->certificate.fingerprint)
                != 0
           || place->peer[0] == '\0';
    if (!news)
      fact->expiry_told = place->expiry_told;
    *place = *fact;
  }
  pthread_mutex_unlock (&assembly->lock);
  return news;
}

static int64_t
expiry_days (const struct ezcdc_instance *instance)
{
  return instance->tls == NULL
           ? EXPIRY_DAYS
           : option_set_integer (instance->options, "ssl_expiry_days");
}

void
connections_note (void *context, struct ezcdc_instance *instance,
                  const char *peer, const char *version, const char *cipher,
                  const void *certificate, size_t length)
{
  struct assembly *assembly = context;
  struct assembly_connection fact = { .expiry_days = expiry_days (instance) };

  snprintf (fact.section, sizeof fact.section, "%s", instance->section);
  snprintf (fact.peer, sizeof fact.peer, "%s", peer);
  snprintf (fact.version, sizeof fact.version, "%s", version ? version : "");
  snprintf (fact.cipher, sizeof fact.cipher, "%s", cipher ? cipher : "");
  if (certificate != NULL
      && !certificate_read (certificate, length, &fact.certificate))
    log_message (LEVEL_WARNING,
                 "%s: the certificate of %s cannot be read: its expiry is "
                 "not watched",
                 fact.section, fact.peer);
  fact.expiry_told = is_expiring (&fact);
  if (!remember (assembly, &fact))
    return;
  tell_connection (assembly, &fact);
  if (fact.expiry_told)
    tell_expiry (assembly, &fact);
}

/* One that was not told of yet; from now on it was. */
static bool
next_expiring (struct assembly *assembly,
               struct assembly_connection *ret_expiring)
{
  bool found = false;

  pthread_mutex_lock (&assembly->lock);
  for (size_t i = 0; i < assembly->connection_count && !found; i++) {
    struct assembly_connection *fact = &assembly->connections[i];

    found = !fact->expiry_told && is_expiring (fact);
    if (found) {
      fact->expiry_told = true;
      *ret_expiring = *fact;
    }
  }
  pthread_mutex_unlock (&assembly->lock);
  return found;
}

void
connections_watch (struct assembly *assembly)
{
  struct assembly_connection expiring;

  while (next_expiring (assembly, &expiring))
    tell_expiry (assembly, &expiring);
}

void
connections_print (struct assembly *assembly, struct text *text, size_t size)
{
  struct json json = { .text = text };

  json_array_begin (&json);
  pthread_mutex_lock (&assembly->lock);
  for (size_t i = 0; i < assembly->connection_count && text->length < size;
       i++) {
    const struct assembly_connection *fact = &assembly->connections[i];
    const struct certificate *certificate = &fact->certificate;
    bool shown = certificate->fingerprint[0] != '\0';

    json_object_begin (&json);
    json_member_text (&json, "section", fact->section);
    json_member_text (&json, "peer", fact->peer);
    json_member_text (&json, "tls", fact->version[0] ? fact->version : NULL);
    json_member_text (&json, "cipher", fact->cipher[0] ? fact->cipher : NULL);
    json_member_text (&json, "fingerprint",
                      shown ? certificate->fingerprint : NULL);
    json_member_text (&json, "expires",
                      shown ? certificate->expires_text : NULL);
    json_object_end (&json);
  }
  pthread_mutex_unlock (&assembly->lock);
  json_array_end (&json);
}
