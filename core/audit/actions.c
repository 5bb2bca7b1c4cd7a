/* SPDX-License-Identifier: Apache-2.0 */
/* The table of audited actions. A test compares it with the manual page. */

#include <config.h>

#include <string.h>

#include "core/audit/actions.h"
#include "core/base/names.h"

/* clang-format off */
const struct audit_action audit_actions[] = {
  { "audit.bridged", false,
    "a newer key was made able to go on with the chain; detail names it" },
  { "audit.opened", false,
    "a log was begun; detail names the key id that its chain uses" },
  { "audit.ratcheted", false,
    "an epoch of the chain was closed; the next record has a new key" },
  { "audit.recovered", false,
    "a torn or damaged last line was moved to a file of its own" },
  { "audit.rekeyed", false,
    "the chain goes on under another key; detail names both key ids" },
  { "clock.stepped", false,
    "the clock was set back; times stand still until it has caught up" },
  { "config.accepted", true,
    "the configuration was read, checked and put to use" },
  { "config.rejected", false,
    "the configuration was refused" },
  { "connector.loaded", true,
    "a connector's file was vetted and loaded; path, SHA-256, what "
    "[connectors] requires, version, ABI" },
  { "connector.rejected", true,
    "a connector's file was refused; path, SHA-256 if it could be read, the "
    "reason" },
  { "credential.resealed", false,
    "a sealed value was encrypted again under the primary key" },
  { "credential.sealed", false,
    "a plaintext value was replaced by a sealed one" },
  { "credential.unseal_denied", false,
    "a runner asked for a value that is not its own" },
  { "credential.unseal_failed", false,
    "a sealed value did not open; detail has the precise reason" },
  { "credential.unsealed", false,
    "a sealed value was opened for a connector; detail has option and reason" },
  { "dead_letter.stored", true,
    "the sink refused rows, which were put aside" },
  { "key.mismatched", false,
    "a value is sealed under a key that is not in the ring" },
  { "key.reload_rejected", false,
    "keys and configuration were to be reloaded and the new ones were refused; "
    "detail has the reason" },
  { "key.reloaded", false,
    "keys were reloaded; detail has the key ids" },
  { "key.retired", false,
    "no sealed value of the file needs a key any more; detail has its id" },
  { "pipeline.failed", false,
    "a run ended with an error" },
  { "pipeline.started", false,
    "a run began" },
  { "pipeline.stopped", false,
    "a run ended, drained or caught up" },
  { "runner.call_refused", false,
    "a runner tried a system call that it may not make, or one on a file that "
    "is none of its business; told once a call and file" },
  { "runner.confined", true,
    "a runner gave up what it does not need, before it loaded a connector; "
    "detail says what" },
  { "runner.crashed", false,
    "a runner ended by a signal, or before it was done, with any exit code; a "
    "run starts it again" },
  { "runner.killed", false,
    "the keeper has ended a runner; detail has the reason" },
  { "runner.started", false,
    "a runner was started" },
  { "runner.stopped", false,
    "a runner ended by itself" },
  { "runner.unconfined", true,
    "a runner works with less confinement than it should; detail says why" },
  { "sink.redirect_refused", true,
    "a redirect led where neither configuration nor cluster had said" },
  { "slot.created", true,
    "the source keeps changes for this pipeline from now on" },
  { "snapshot.finished", true,
    "the initial copy is complete" },
  { "snapshot.started", true,
    "the initial copy began" },
  { "table.created", true,
    "a table was created in the sink" },
  { "table.truncated", true,
    "a table was emptied in the sink" },
  { "tls.expiring", true,
    "a peer's certificate, or one of ours, expires soon or has expired" },
  { "tls.negotiated", true,
    "a connection was made; version, cipher, peer, its certificate" },
  { "tls.reload_rejected", true,
    "certificates were to be reloaded and the new ones were refused" },
  { "tls.reloaded", true,
    "certificates were reloaded" },
  { "tls.weakened", true,
    "the configuration allows less than verified TLS" },
  { "verify.finished", true,
    "source and sink were compared; detail has the result" },
  { NULL, false, NULL },
};
/* clang-format on */

const struct audit_action *
audit_action_find (const char *name)
{
  for (const struct audit_action *action = audit_actions; action->name != NULL;
       action++)
    if (strcmp (action->name, name) == 0)
      return action;
  return NULL;
}

const char *
audit_action_nearest (const char *name)
{
  const char *names[sizeof audit_actions / sizeof audit_actions[0]];
  size_t count = 0;

  for (; audit_actions[count].name != NULL; count++)
    names[count] = audit_actions[count].name;
  return nearest_name (name, names, count);
}
