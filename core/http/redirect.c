/* SPDX-License-Identifier: Apache-2.0 */
/* Where a redirect may lead: to hosts and ports that are configured or that
 * the cluster announced, and not out of TLS. */

#include <config.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/memory.h"
#include "core/base/text.h"
#include "core/http/client.h"
#include "core/http/http.h"
#include "core/http/target.h"

#define PLACES_MAX 10000

static bool
is_announced (struct http_client *client, const struct http_place *place)
{
  bool found = false;

  pthread_mutex_lock (&client->lock);
  for (size_t i = 0; i < client->place_count && !found; i++)
    found = http_place_equal (&client->places[i], place);
  pthread_mutex_unlock (&client->lock);
  return found;
}

/* Whether the cluster announced this port under a name of this machine. */
static bool
is_announced_here (struct http_client *client, uint32_t port)
{
  bool found = false;

  pthread_mutex_lock (&client->lock);
  for (size_t i = 0; i < client->place_count && !found; i++)
    found = client->places[i].port == port
            && http_host_is_loopback (client->places[i].host);
  pthread_mutex_unlock (&client->lock);
  return found;
}

static int
refuse_redirect (struct http_client *client, const struct http_target *from,
                 const struct http_target *next, const char *reason,
                 const char *remedy, struct error *error)
{
  const struct http_services *services = client->services;
  CLEANUP_TEXT struct text text = { 0 };
  struct json json = { .text = &text };
  char place[HTTP_HOST_MAX + 16];
  int result;

  snprintf (place, sizeof place, "%s:%u", next->place.host, next->place.port);
  http_client_scrub (client, place);
  json_object_begin (&json);
  json_member_text (&json, "from", from->description);
  json_member_text (&json, "to", next->description);
  json_member_text (&json, "reason", reason);
  json_object_end (&json);
  if (text.failed)
    return error_set (error, EZCDC_E_MEMORY, "out of memory");
  result = services->audit (services->context, "sink.redirect_refused", place,
                            "denied", text.data, error);
  if (result < 0)
    return result;
  return error_set (error, EZCDC_E_CONFIG,
                    "%s: its redirect to %s is refused, because %s. %s",
                    from->description, next->description, reason, remedy);
}

/* Development set-ups name this machine by whatever name comes first: when
 * the request itself goes to this machine, so does a redirect to a port that
 * the cluster announced for this machine, under the name that was
 * configured. */
static int
apply_loopback_rule (struct http_client *client,
                     const struct http_target *origin,
                     struct http_target *next, bool *ret_allowed,
                     struct error *error)
{
  *ret_allowed = origin->loopback && next->loopback
                 && is_announced_here (client, next->place.port);
  if (!*ret_allowed || strcmp (next->place.host, origin->place.host) == 0)
    return EZCDC_OK;
  return http_target_move (next, origin->place.host, error);
}

static int
check_redirect (struct http_client *client, const struct http_target *origin,
                const struct http_target *from, struct http_target *next,
                struct error *error)
{
  bool allowed = http_place_equal (&next->place, &origin->place)
                 || is_announced (client, &next->place);
  int result;

  if (!allowed) {
    result = apply_loopback_rule (client, origin, next, &allowed, error);
    if (result != EZCDC_OK)
      return result;
  }
  if (!allowed)
    return refuse_redirect (client, from, next,
                            "that host and port are neither configured nor "
                            "announced by the cluster",
                            "Check what the server redirects to", error);
  if (from->https && !next->https && !http_client_may_be_plain (client))
    return refuse_redirect (
      client, from, next, "it leaves TLS",
      "Put a TLS proxy in front, or, on a private network, write "
      "load_plaintext = allow in the section of the sink",
      error);
  return EZCDC_OK;
}

int
http_client_follow (struct http_client *client,
                    const struct http_target *origin,
                    struct http_target *target, const char *location,
                    struct error *error)
{
  CLEANUP_TARGET struct http_target next = { 0 };
  int result;

  if (location[0] == '\0')
    return error_set (error, EZCDC_E_UNAVAILABLE,
                      "%s: a redirect that does not say where to",
                      target->description);
  result = http_target_resolve (target, location, &next, error);
  if (result == EZCDC_E_MEMORY)
    return result;
  if (result != EZCDC_OK)
    return error_set (error, EZCDC_E_CONFIG, "%s: its redirect is refused: %s",
                      target->description, error->text);
  http_client_scrub (client, next.description);
  result = check_redirect (client, origin, target, &next, error);
  if (result != EZCDC_OK)
    return result;
  http_target_clear (target);
  *target = next;
  next = (struct http_target){ 0 };
  return EZCDC_OK;
}

int
http_client_allow (struct http_client *client, const char *host, uint32_t port,
                   struct error *error)
{
  struct http_place place;
  int result = http_place_set (host, port, &place, error);

  if (result != EZCDC_OK)
    return result;
  if (is_announced (client, &place))
    return EZCDC_OK;
  pthread_mutex_lock (&client->lock);
  if (client->place_count == PLACES_MAX)
    result = error_set (error, EZCDC_E_CONFIG,
                        "more than %d hosts for redirects", PLACES_MAX);
  else if (!array_reserve (&client->places, &client->place_capacity,
                           client->place_count + 1, sizeof place))
    result = error_set (error, EZCDC_E_MEMORY, "out of memory");
  else
    client->places[client->place_count++] = place;
  pthread_mutex_unlock (&client->lock);
  return result;
}
