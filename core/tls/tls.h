/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS options of a section and the parameters that come out of them:
 * checked certificates, keys and revocation lists behind paths that
 * libpq, Connector/C and libcurl can all open.
 *
 * Whatever an option holds (a path, inline PEM, a sealed value), its text
 * ends up in a sealed memfd of this process under /proc/self/fd, so that a
 * library reads exactly what was checked here and a key that came sealed is
 * never on disk. The one exception is the system's CA bundle, which is named
 * by its own path.
 *
 * A reload puts new content behind the same paths. The strings of struct
 * ezcdc_tls therefore never change, and no reader needs a lock.
 */

#ifndef EZCDC_TLS_TLS_H
#define EZCDC_TLS_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ezcdc/connector.h>

#include "core/plugin/options.h"

struct error;

/* One option with a PEM text: where the text is. */
struct tls_pem {
  enum option_pem kind;
  const char *text; /* the path or the PEM text itself; else NULL */
};

/* What the options of one section say. Strings are lent for the call. */
struct tls_settings {
  const char *section; /* "source" or "sink", for messages */
  const char *mode;    /* ssl_mode: one of the six words */
  bool enabled;        /* ssl_enabled; false means "disable" */
  struct tls_pem root_cert;
  struct tls_pem client_cert;
  struct tls_pem client_key;
  struct tls_pem crl;
  const char *minimum_version; /* "TLSv1.2" or "TLSv1.3" */
  int64_t expiry_days;         /* warn of certificates that expire earlier */
};

/* What the parameters ask of their surroundings. context is handed to each
 * function; both live until tls_parameters_free. */
struct tls_services {
  /* Opens the sealed value of an option of this section for the length of
   * one call of function, and returns what that returned, or a negative
   * code with error set. */
  int (*open_sealed) (void *context, const char *option, const char *reason,
                      ezcdc_secret_function function, void *function_context,
                      struct error *error);
  /* Opens the file that an option of this section names, which this process
   * may not reach by itself. *ret_descriptor is the caller's. Returns 0 or a
   * negative code with error set. NULL: the file is opened here. */
  int (*open_file) (void *context, const char *option, int *ret_descriptor,
                    struct error *error);
  /* Makes an empty file in memory, as memfd_create_private does (memfd.h), for
   * a process that may not give a file its mode. *ret_descriptor is the
   * caller's. Returns 0 or a negative code with error set. NULL: the file is
   * made here. */
  int (*make_file) (void *context, int *ret_descriptor, struct error *error);
  /* Writes an audit record about the section. detail is a JSON object. */
  int (*audit) (void *context, const char *action, const char *outcome,
                const char *detail, struct error *error);
  /* One line for the log, at EZCDC_LOG_WARNING. */
  void (*warn) (void *context, const char *message);
  void *context;
};

struct tls_parameters;

/* Reads and checks everything. A mode weaker than verify-full is a warning
 * and an audit record "tls.weakened"; the parameters are not made if that
 * record cannot be written. Returns EZCDC_OK, EZCDC_E_CONFIG (with the option
 * in the message), or what open_sealed and audit return. */
int tls_parameters_load (const struct tls_settings *settings,
                         const struct tls_services *services,
                         struct tls_parameters **ret_parameters,
                         struct error *error)
  __attribute__ ((nonnull, warn_unused_result));

/* Reads the same options again (SIGHUP). If something is wrong, everything
 * stays as it was. From one thread at a time; users need not be stopped:
 * a connection that is being made at this moment may see the certificate of
 * one set and the key of the other, fail, and be made again. */
int tls_parameters_reload (struct tls_parameters *parameters,
                           struct error *error)
  __attribute__ ((nonnull, warn_unused_result));

/* The parameters for a connector; as long as the parameters live. */
const struct ezcdc_tls *tls_parameters_view (
  const struct tls_parameters *parameters) __attribute__ ((nonnull));

/* Grows with each reload: who caches what was behind the paths compares. */
uint64_t tls_parameters_generation (const struct tls_parameters *parameters)
  __attribute__ ((nonnull));

/* Closes the memfds. NULL is fine. */
void tls_parameters_free (struct tls_parameters *parameters);

#endif
