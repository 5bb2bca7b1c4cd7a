/* SPDX-License-Identifier: Apache-2.0 */
/* One configured connector, from open to close: what the core knows about it
 * and what the host functions need.
 *
 *   loader_load -> option_set_parse -> instance_new -> (tls) -> instance_open
 *     -> calls between instance_lock and instance_unlock -> instance_close
 *     -> instance_free
 */

#ifndef EZCDC_PLUGIN_INSTANCE_H
#define EZCDC_PLUGIN_INSTANCE_H

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ezcdc/connector.h>

#include "core/plugin/turn.h"

struct connector;
struct error;
struct option_set;

/* What instances need from the rest of the core. A function that is NULL is
 * not there: the host function answers EZCDC_E_UNSUPPORTED (or does nothing,
 * where nothing can be answered). All are called from any thread, with
 * context first. The struct outlives the instances.
 */
struct instance_services {
  /* Opens a secret for one call of function and returns its result; on
   * failure EZCDC_E_CREDENTIAL (cannot be opened) or another negative code,
   * with error set. error untouched means that function itself said so. */
  int (*secret_use) (void *context, struct ezcdc_instance *instance,
                     const char *option, const char *reason,
                     ezcdc_secret_function function, void *function_context,
                     struct error *error);
  /* Opens the file that an option names; *ret_descriptor is the caller's. NULL:
   * this process can open it by itself. */
  int (*open_file) (void *context, struct ezcdc_instance *instance,
                    const char *option, int *ret_descriptor,
                    struct error *error);
  /* Makes an empty file in memory for the user of this process alone;
   * *ret_descriptor is the caller's. NULL: this process can make it by
   * itself. */
  int (*make_file) (void *context, int *ret_descriptor, struct error *error);
  /* Writes one audit record; 0, or below with error set: then the act must
   * not happen. detail_json is a JSON object or NULL. */
  int (*audit) (void *context, const char *action, const char *resource,
                const char *outcome, const char *detail_json,
                struct error *error);
  /* As in struct ezcdc_host; certificate may be NULL. */
  void (*tls_peer) (void *context, struct ezcdc_instance *instance,
                    const char *peer, const char *version, const char *cipher,
                    const void *certificate, size_t length);
  /* As in struct ezcdc_host; http fails with error set. */
  int (*http) (void *context, struct ezcdc_instance *instance,
               const struct ezcdc_http_request *request,
               struct ezcdc_http_response *response, struct error *error);
  int (*http_allow) (void *context, struct ezcdc_instance *instance,
                     const char *host, uint32_t port, struct error *error);
  /* Takes the instance's secrets out of a string that it wants to be told. */
  void (*scrub) (void *context, struct ezcdc_instance *instance, char *text);
  /* check: one line. Without it a report is a line of the log. */
  void (*report) (void *context, struct ezcdc_instance *instance,
                  uint32_t outcome, const char *subject, const char *finding,
                  const char *remedy);
  int (*refuse_row) (void *context, struct ezcdc_instance *instance,
                     const struct ezcdc_batch *batch, uint64_t row,
                     const char *reason, struct error *error);
  void (*waiting) (void *context, struct ezcdc_instance *instance,
                   const char *reason);
  int (*announce) (void *context, struct ezcdc_instance *instance,
                   const struct ezcdc_batch *batch, const char *load,
                   struct error *error);
  void *context;
};

/* Bytes of the name that a sink gives to a load. */
#define ANNOUNCED_LOAD_MAX 191

/* Counters that a connector keeps; the names are taken on first use. */
#define INSTANCE_COUNTERS 32
#define INSTANCE_COUNTER_NAME 40

struct instance_counter {
  char name[INSTANCE_COUNTER_NAME]; /* [a-z0-9_]+, constant once visible */
  _Atomic int64_t value;
};

struct ezcdc_instance {
  /* Constant from instance_new on. */
  struct connector *connector;
  const struct instance_services *services;
  const char *section;        /* "source" or "sink" */
  char *pipeline;             /* owned */
  char *state_folder;         /* owned; no "/" at the end */
  struct option_set *options; /* owned */
  uint64_t body_limit;
  uint64_t serial; /* never given twice, unlike the address */
  /* What the state has, for "check"; set before the first call. */
  struct ezcdc_position stored;

  /* core/tls and core/http keep what they need here; they make it after
   * instance_new and free it before instance_free. */
  const struct ezcdc_tls *tls; /* NULL: no TLS options */
  void *tls_state;
  void *http_state;

  /* The connector's own pointer, valid between instance_open and
   * instance_close. self_lock guards both members against an interruption
   * during close; it is held while the connector's interrupt runs, which
   * returns at once. */
  void *self;
  bool open;
  pthread_mutex_t self_lock;

  struct turn turn;    /* for EZCDC_THREADS_INSTANCE */
  int interrupt_event; /* eventfd; readable from the interruption on */
  atomic_bool interrupted;

  pthread_mutex_t counter_lock; /* to add a name */
  _Atomic uint32_t counter_count;
  struct instance_counter counters[INSTANCE_COUNTERS];
};

struct instance_settings {
  struct connector *connector;
  const struct instance_services *services; /* lent; NULL: none of them */
  const char *section;                      /* "source" or "sink"; constant */
  const char *pipeline;                     /* copied */
  const char *state_folder;                 /* copied; NULL: none */
  struct option_set *options;               /* taken over on success */
  uint64_t body_limit;                      /* see struct ezcdc_host */
};

int instance_new (const struct instance_settings *settings,
                  struct ezcdc_instance **ret_instance, struct error *error);
/* After instance_close; takes NULL. */
void instance_free (struct ezcdc_instance *instance);

/* Calls the connector's open, of the source or the sink, with the lock. */
int instance_open (struct ezcdc_instance *instance, struct error *error);
/* Calls its close; harmless if it is not open. */
void instance_close (struct ezcdc_instance *instance);

/* Around every other call of the connector, but for interrupt: waits its turn
 * as the connector's thread rule demands, and forgets this thread's last
 * error. Under EZCDC_THREADS_PARALLEL nobody waits.
 */
void instance_lock (struct ezcdc_instance *instance);
void instance_unlock (struct ezcdc_instance *instance);

/* Ends every wait and tells the connector; from any thread, also twice. There
 * is no way back: the instance can only be closed. */
void instance_interrupt (struct ezcdc_instance *instance);
bool instance_interrupted (const struct ezcdc_instance *instance);

/* The core's own way to say what ezcdc_host.fail says. */
int instance_fail (struct ezcdc_instance *instance, int code,
                   const char *format, ...)
  __attribute__ ((format (printf, 3, 4)));
int instance_vfail (struct ezcdc_instance *instance, int code,
                    const char *format, va_list arguments)
  __attribute__ ((format (printf, 3, 0)));

/* Takes secrets out of a string that the instance wants to be told: the one
 * that this thread has open, and those that the instance's services know. */
void instance_scrub (struct ezcdc_instance *instance, char *text);

/* What the instance said last on this thread, since instance_lock; its code
 * is 0 if it said nothing. One error is kept for each thread: take it before
 * this thread works for another instance. Lives until then. */
const struct error *instance_last_error (
  const struct ezcdc_instance *instance);

/* Turns the result of a call into an error: "source postgres: MESSAGE", or
 * that it gave no reason. code is the result (below zero); a code that this
 * program does not know becomes EZCDC_E_BUG. Returns the code. */
int instance_error (const struct ezcdc_instance *instance, int code,
                    struct error *error);

/* Adds to a counter; a name is copied. Beyond INSTANCE_COUNTERS names, and
 * for a name that is no [a-z0-9_]{1,39}, it does nothing. */
void instance_count (struct ezcdc_instance *instance, const char *counter,
                     int64_t delta);
/* The index-th counter, from 0; false if there are not as many. */
bool instance_counter (const struct ezcdc_instance *instance, uint32_t index,
                       const char **ret_name, int64_t *ret_value);

#endif
