/* SPDX-License-Identifier: Apache-2.0 */
/* One configured PostgreSQL source, and what its files have in common.
 *
 *   postgres.c     the descriptor, open and close
 *   options.c      the option table, checks of the options
 *   pattern.c      table patterns                           (pure)
 *   connect.c      sessions: connect over TLS, pin the settings
 *   gate.c         what libpq may see of a server that it is not yet let in by
 *   authentication.c  what a server may ask for             (pure)
 *   query.c        statements, results, classes of errors
 *   discover.c     tables of the catalog; describe.c: their columns
 *   type.c         PostgreSQL's types to logical types      (pure)
 *   value.c        canonical text of values                 (pure)
 *   position.c     positions                                (pure)
 *   publication.c  slot.c  what prepare makes and checks
 *   retention.c    how much log the slot keeps; blocker.c: for whom
 *   snapshot.c     one consistent view; plan.c: chunks; reader.c: rows
 *   copy.c         rows of COPY                             (pure)
 *   stream.c       the replication protocol; changes.c: what it carries
 *   pgoutput.c     messages of the output plugin            (pure)
 *   relation.c     tables as the stream describes them; oids.c: which of them
 *                  are the core's
 *   wal.c          the end of the log
 *   check.c  fetch.c
 *
 * Threads. Functions of the source may run side by side; they share struct
 * postgres, of which only what its lock guards changes after open. Snapshot,
 * readers and streams have sessions of their own.
 *
 * Nothing here waits but through the host (so that every wait can be
 * interrupted), except stream_close, which waits a bounded time.
 */

#ifndef POSTGRES_H
#define POSTGRES_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ezcdc/connector.h>

#include "oids.h"
#include "pattern.h"
#include "retention.h"

/* Names are shorter than this (NAMEDATALEN). */
#define POSTGRES_NAME_SIZE 64

/* The host's functions; set once, by the entry point. */
extern const struct ezcdc_host *host;

struct session;

/* What of the snapshot that came with the slot is still to be used. */
struct exported {
  struct session *session; /* holds it as long as it is open; or NULL */
  char name[POSTGRES_NAME_SIZE];
  uint64_t position; /* the slot's consistent point */
};

struct postgres {
  struct ezcdc_instance *instance;

  /* Options; the strings live as long as the instance. */
  const char *server; /* host name or address */
  char port[8];
  const char *database;
  const char *user;
  const struct ezcdc_sealed *password; /* or NULL */
  const char *channel_binding;         /* as libpq wants it */
  unsigned methods; /* AUTHENTICATION_... of require_auth; 0: not set */
  int64_t connect_timeout_ms;
  int64_t answer_timeout_ms;
  char slot[POSTGRES_NAME_SIZE];
  char publication[POSTGRES_NAME_SIZE];
  char application[POSTGRES_NAME_SIZE];
  struct patterns patterns;

  pthread_mutex_t lock; /* guards all below */
  struct oids listed;   /* all tables that the core was told of: it goes on to
                           want them under another name, too */
  struct oids unreadable; /* those of them that the role may not read any
                             more, as was told */
  struct session *idle;   /* a session that nobody uses, or NULL */
  struct exported exported;
  struct retention retention;
  int64_t refused; /* monotonic time when the server last let nobody in
                      because it starts or shuts down; 0: never */
};

/* A session for a short piece of work: the idle one, or a new one. Give it
 * back, or close it after a failure that may have broken it. */
int session_take (struct postgres *self, struct session **ret_session);
void session_give (struct postgres *self, struct session *session);

#endif /* POSTGRES_H */
