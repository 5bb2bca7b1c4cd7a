/* SPDX-License-Identifier: Apache-2.0 */
/* Answers the requests of a runner. */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/audit/actions.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/json_rewrite.h"
#include "core/base/log.h"
#include "core/base/memory.h"
#include "core/base/print.h"
#include "core/keeper/credentials.h"
#include "core/keeper/serve.h"
#include "core/tls/memfd.h"

/* What a record has besides its resource and its detail, about. */
#define RECORD_FRAME 400

static size_t
record_size (const struct audit_record *record)
{
  return RECORD_FRAME + strlen (record->resource_id)
         + (record->detail != NULL ? strlen (record->detail) : 0);
}

static int
write_record (const struct service *service, const char *action,
              const char *resource, const char *outcome, const char *detail,
              struct error *error)
{
  const struct audit_record record = {
    .action = action,
    .resource_id = resource,
    .outcome = outcome,
    .detail = detail,
  };

  int code = audit_log_write (service->audit, &record, error);
  if (service->trouble != NULL)
    audit_trouble_note (service->trouble, service->lock, code, error);
  if (service->budget != NULL && code == 0)
    budget_spend (service->budget, record_size (&record), clock_monotonic ());
  return code;
}

int
service_audit (const struct service *service, const char *action,
               const char *outcome, const char *detail, struct error *error)
{
  return write_record (service, action, service->settings->name, outcome,
                       detail, error);
}

/* ---- Answers ----------------------------------------------------------- */

/* False if the runner does not read its answers. */
static bool
answer (const struct service *service, enum message_type type, int32_t number,
        const char *text, int descriptor)
{
  const char *const fields[MESSAGE_FIELDS_MAX] = { text };
  unsigned char bytes[MESSAGE_MAX];
  size_t length = message_encode (type, service->message.serial, number,
                                  fields, bytes);

  return length > 0
         && message_send (service->socket, bytes, length, descriptor);
}

static bool
refuse (const struct service *service, const struct error *error)
{
  return answer (service, MESSAGE_REFUSED, error->code, error->text, -1);
}

/* The answer that brings a value or a file. If it cannot be sent because of
 * what others do, the runner may ask again. */
static bool
answer_opened (const struct service *service, size_t length, int descriptor)
{
  const char *const *fields = service->message.fields;
  struct error error = { 0 };

  if (answer (service, MESSAGE_OPENED, (int32_t) length, NULL, descriptor))
    return true;
  if (errno != ETOOMANYREFS)
    return false;
  if (service->message.type == MESSAGE_NEW_FILE)
    error_set (&error, EZCDC_E_UNAVAILABLE, "hand over a file in memory: %s",
               message_send_fault (errno));
  else
    error_set (&error, EZCDC_E_UNAVAILABLE, "hand over %s.%s: %s", fields[0],
               fields[1], message_send_fault (errno));
  log_message (LEVEL_ERROR, "%s", error.text);
  return refuse (service, &error);
}

/* ---- Credentials ------------------------------------------------------- */

/* A request for a credential and what belongs to it. */
struct opening {
  const char *section_name;
  const char *option;
  const char *reason;
  const struct ini_section *section; /* NULL: not a section with credentials */
  const struct ini_key *key;         /* NULL: no such sealed value */
};

static struct opening
find_opening (const struct service *service)
{
  struct opening opening = {
    .section_name = service->message.fields[0],
    .option = service->message.fields[1],
    .reason = service->message.fields[2],
  };
  const struct ini_section *section = ini_section (service->ini,
                                                   opening.section_name);

  if (section == NULL || !section_has_credentials (section))
    return opening;
  opening.section = section;
  const struct ini_key *key = ini_key (section, opening.option);
  if (key != NULL && envelope_is_sealed (key->value))
    opening.key = key;
  return opening;
}

static void
describe_key (const struct opening *opening, struct json *json)
{
  unsigned char id[KEY_ID_SIZE];
  char digits[KEY_ID_TEXT_SIZE];

  if (opening->key == NULL
      || envelope_key_id (opening->key->value, id) != ENVELOPE_FINE)
    return;
  key_id_text (id, digits);
  json_member_text (json, "sealed_under", digits);
}

static void
describe_opening (const struct service *service, const struct opening *opening,
                  const char *fault, struct text *detail)
{
  struct json json = { .text = detail };
  const struct ini_key *connector = NULL;

  if (opening->section != NULL)
    connector = ini_key (opening->section, "connector");
  json_object_begin (&json);
  json_member_text (&json, "section", opening->section_name);
  json_member_text (&json, "option", opening->option);
  json_member_text (&json, "reason", opening->reason);
  if (connector != NULL)
    json_member_text (&json, "connector", connector->value);
  describe_key (opening, &json);
  if (fault != NULL)
    json_member_text (&json, "fault", fault);
  json_member_int64 (&json, "runner", service->runner);
  json_object_end (&json);
}

static int
audit_opening (const struct service *service, const struct opening *opening,
               const char *action, const char *outcome, const char *fault,
               struct error *error)
{
  CLEANUP_TEXT struct text resource = { 0 };
  CLEANUP_TEXT struct text detail = { 0 };

  text_printf (&resource, "%s/%s.%s", service->settings->name,
               opening->section_name, opening->option);
  describe_opening (service, opening, fault, &detail);
  if (resource.failed || detail.failed)
    return error_set (error, EZCDC_E_MEMORY,
                      "out of memory for an audit record");
  return write_record (service, action, resource.data, outcome, detail.data,
                       error);
}

/* A failure is worth a record, but does not get better or worse by it. */
static void
audit_failed_opening (const struct service *service,
                      const struct opening *opening, const char *action,
                      const char *outcome, const char *fault)
{
  struct error error = { 0 };

  if (audit_opening (service, opening, action, outcome, fault, &error) != 0)
    log_message (LEVEL_ERROR, "%s", error.text);
}

/* Sends the value, after its record is on the disk. */
static bool
hand_over (const struct service *service, const struct opening *opening,
           const struct opened_value *value)
{
  CLEANUP_CLOSE int descriptor = -1;
  struct error error = { 0 };
  int code = secret_send_prepare (value->data, value->length, &descriptor,
                                  &error);

  if (code == 0)
    code = audit_opening (service, opening, "credential.unsealed",
                          AUDIT_SUCCESS, NULL, &error);
  if (code != 0) {
    log_message (LEVEL_ERROR, "%s.%s is not opened: %s", opening->section_name,
                 opening->option, error.text);
    error_set (&error, EZCDC_E_UNAVAILABLE, "%s", error.text);
    return refuse (service, &error);
  }
  return answer_opened (service, value->length, descriptor);
}

static bool
answer_open (const struct service *service)
{
  struct opening opening = find_opening (service);
  CLEANUP_OPENED struct opened_value value = { 0 };
  struct error error = { 0 };

  if (opening.key == NULL) {
    audit_failed_opening (service, &opening, "credential.unseal_denied",
                          AUDIT_DENIED, "no_such_credential");
    error_set (&error, EZCDC_E_CONFIG, "there is no sealed value %s.%s",
               opening.section_name, opening.option);
    return refuse (service, &error);
  }
  enum envelope_fault fault = credential_open (
    service->ring, service->settings->name, opening.section, opening.key,
    &value);
  if (fault == ENVELOPE_FINE)
    return hand_over (service, &opening, &value);
  audit_failed_opening (service, &opening, "credential.unseal_failed",
                        AUDIT_FAILURE, envelope_fault_word (fault));
  credential_error (&error, service->ini, opening.section, opening.key,
                    service->ring, fault);
  log_message (LEVEL_ERROR, "%s", error.text);
  error_set (&error, EZCDC_E_CREDENTIAL, "%s.%s: credential_unreadable",
             opening.section_name, opening.option);
  return refuse (service, &error);
}

/* ---- Files ------------------------------------------------------------- */

/* The path in an option of a connector's section, or NULL. */
static const char *
find_path (const struct service *service)
{
  const struct ini_section *section = ini_section (service->ini,
                                                   service->message.fields[0]);
  const struct ini_key *key = NULL;

  if (section != NULL && section_has_credentials (section))
    key = ini_key (section, service->message.fields[1]);
  return key == NULL || envelope_is_sealed (key->value) ? NULL : key->value;
}

/* What is no regular file could make the runner wait, or us. */
static int
open_regular (const char *path, int *ret_descriptor, struct error *error)
{
  CLEANUP_CLOSE int descriptor = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK
                                               | O_NOCTTY);
  struct stat status;

  if (descriptor < 0 || fstat (descriptor, &status) != 0)
    return error_set (error, EZCDC_E_CONFIG, "open %s: %m",
                      print_given (path));
  if (!S_ISREG (status.st_mode))
    return error_set (error, EZCDC_E_CONFIG, "%s is not a regular file", path);
  *ret_descriptor = TAKE_DESCRIPTOR (descriptor);
  return 0;
}

/* The runner gets files that its configuration names, and no others. */
static bool
answer_file (const struct service *service)
{
  const char *path = find_path (service);
  CLEANUP_CLOSE int descriptor = -1;
  struct error error = { 0 };

  if (path == NULL) {
    error_set (&error, EZCDC_E_CONFIG, "there is no path %s.%s",
               service->message.fields[0], service->message.fields[1]);
    return refuse (service, &error);
  }
  if (open_regular (path, &descriptor, &error) != 0)
    return refuse (service, &error);
  return answer_opened (service, 0, descriptor);
}

/* The user whom a runner of root's takes is the owner of the folder. */
static int
give_to_runner (const struct service *service, int descriptor,
                struct error *error)
{
  struct stat status;

  if (geteuid () == 0
      && (stat (service->settings->folder, &status) != 0
          || fchown (descriptor, status.st_uid, status.st_gid) != 0))
    return error_set (error, EZCDC_E_UNAVAILABLE,
                      "give a file in memory to the owner of %s: %m",
                      service->settings->folder);
  return 0;
}

/* Only the runner has it: what becomes of it is the runner's affair. */
static bool
answer_new_file (const struct service *service)
{
  CLEANUP_CLOSE int descriptor = -1;
  struct error error = { 0 };

  if (memfd_create_private ("of a runner", &descriptor, &error) != 0
      || give_to_runner (service, descriptor, &error) != 0)
    return refuse (service, &error);
  return answer_opened (service, 0, descriptor);
}

/* ---- Audit records ----------------------------------------------------- */

static bool
is_outcome (const char *word)
{
  return strcmp (word, AUDIT_SUCCESS) == 0 || strcmp (word, AUDIT_FAILURE) == 0
         || strcmp (word, AUDIT_DENIED) == 0;
}

/* How it is confined a runner tells once, before it loads a connector. Who
 * tells it again is none of our code. */
static bool
is_told_again (struct service *service, const char *action)
{
  bool again = service->confinement_told;

  if (strcmp (action, "runner.confined") != 0
      && strcmp (action, "runner.unconfined") != 0)
    return false;
  service->confinement_told = true;
  return again;
}

static bool
answer_audit (struct service *service)
{
  const char *const *fields = service->message.fields;
  const struct audit_action *action = audit_action_find (fields[0]);
  CLEANUP_TEXT struct text detail = { 0 };
  struct error error = { 0 };

  if (action == NULL || !action->runner)
    error_set (&error, EZCDC_E_BUG,
               "\"%s\" is no action that a runner may have audited",
               fields[0]);
  else if (is_told_again (service, action->name))
    error_set (&error, EZCDC_E_BUG, "a runner tells that once");
  else if (!is_outcome (fields[2]))
    error_set (&error, EZCDC_E_BUG, "\"%s\" is no outcome", fields[2]);
  else if (!json_rewrite_object (fields[3], &detail))
    error_set (&error, EZCDC_E_BUG,
               "the detail of an audit record is no JSON object");
  else
    write_record (service, action->name, fields[1], fields[2], detail.data,
                  &error);
  if (error.code == 0)
    return answer (service, MESSAGE_WRITTEN, 0, NULL, -1);
  log_message (LEVEL_ERROR, "audit record %s: %s", fields[0], error.text);
  return refuse (service, &error);
}

/* ---- System calls ------------------------------------------------------ */

/* The runner asks before it loads a connector. Who asks again is none of our
 * code. */
static bool
answer_watch (struct service *service, int *descriptor)
{
  if (service->watch_asked || *descriptor < 0)
    return false;
  service->watch_asked = true;
  watch_listen (&service->watch, TAKE_DESCRIPTOR (*descriptor));
  return answer (service, MESSAGE_WRITTEN, watch_sees (&service->watch), NULL,
                 -1);
}

/* The runner sends this before it knows what it is to do. */
static bool
take_memory (struct service *service, bool is_first, int *descriptor)
{
  return is_first && *descriptor >= 0
         && watch_see (&service->watch, service->runner,
                       TAKE_DESCRIPTOR (*descriptor));
}

/* ---- The end ----------------------------------------------------------- */

static bool
take_end (struct service *service)
{
  bool is_first = !service->done;

  service->done = true;
  service->exit_code = service->message.number;
  return is_first;
}

/* ---- The loop ---------------------------------------------------------- */

/* False if the request is none, or its answer does not get through. */
static bool
answer_message (struct service *service, int *descriptor)
{
  bool is_first = !service->heard;

  service->heard = true;
  if (service->message.type == MESSAGE_WATCH)
    return answer_watch (service, descriptor);
  if (service->message.type == MESSAGE_MEMORY)
    return take_memory (service, is_first, descriptor);
  if (*descriptor >= 0)
    return false;
  switch (service->message.type) {
  case MESSAGE_OPEN:
    return answer_open (service);
  case MESSAGE_FILE:
    return answer_file (service);
  case MESSAGE_NEW_FILE:
    return answer_new_file (service);
  case MESSAGE_AUDIT:
    return answer_audit (service);
  case MESSAGE_DONE:
    return take_end (service);
  case MESSAGE_OPENED:
  case MESSAGE_WRITTEN:
  case MESSAGE_REFUSED:
  case MESSAGE_WATCH:
  case MESSAGE_MEMORY:
    return false;
  }
  return false;
}

/* At most so many before the keeper looks at its signals again. */
#define REQUESTS_AT_ONCE 16

enum service_state
serve (struct service *service)
{
  for (int i = 0; i < REQUESTS_AT_ONCE; i++) {
    CLEANUP_CLOSE int descriptor = -1;
    switch (
      message_receive (service->socket, &service->message, &descriptor)) {
    case RECEIPT_MESSAGE:
      if (!answer_message (service, &descriptor))
        return SERVICE_BROKEN;
      if (service->budget != NULL && budget_is_overspent (service->budget))
        return SERVICE_FLOODED;
      break;
    case RECEIPT_NOTHING:
      return SERVICE_GOES_ON;
    case RECEIPT_END:
      return SERVICE_ENDED;
    case RECEIPT_INVALID:
      return SERVICE_BROKEN;
    }
  }
  return SERVICE_GOES_ON;
}
