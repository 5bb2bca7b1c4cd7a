/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the socket between keeper and runner. The input is one packet,
 * which is sent to either side: as a request of a runner that has been taken
 * over, and as an answer.
 */

#include <config.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "core/audit/log.h"
#include "core/base/ini.h"
#include "core/base/json_rewrite.h"
#include "core/base/log.h"
#include "core/keeper/link.h"
#include "core/keeper/protocol.h"
#include "core/keeper/serve.h"
#include "tests/fuzz/fuzz.h"

/* The value is sealed under 00 01 .. 1f for shop/source.password. */
static const char configuration[] =
  "[pipeline]\nname = shop\nnote = public\n"
  "[source]\nconnector = counter\nuser = cdc\n"
  "password = ezc1:RVpDMQEPyEaktLSis6ChoqOkpaanqKmqq6ytrq-wsbKztLW2t7i5urue4Tv"
  "Qm63tg_mZtyhaJ7XY3BGuAtPDaRCbXdtJ86VFyQwpPrfb6QmP00u1pIr4QfDdF-ePEX-jwM6aS"
  "1IJpesatbiCduAXUzqvEfBT_I64gg\n"
  "ssl_root_cert = /proc/self/exe\n";

/* Records are kept to so many, as each is flushed to the disk. */
#define RECORDS_MAX 500

struct world {
  struct pipeline_settings settings;
  struct ini *ini;
  struct key_ring *ring;
  char log_path[64];
  struct audit_log *log;
  unsigned records;
};

static void
remove_log (struct world *world)
{
  audit_log_free (world->log);
  world->log = NULL;
  unlink (world->log_path);
}

static void
world_make (struct world *world)
{
  static char name[] = "shop";
  static char folder[] = "/";
  unsigned char key[KEY_SIZE];

  for (size_t i = 0; i < sizeof key; i++)
    key[i] = (unsigned char) i;
  log_set_level (LEVEL_NONE);
  world->settings.name = name;
  world->settings.folder = folder;
  world->ring = key_ring_new (NULL);
  FUZZ_CHECK (world->ring != NULL
              && key_ring_add (world->ring, key, NULL) == 0);
  FUZZ_CHECK (ini_parse_text ("shop.ini", configuration,
                              strlen (configuration), &world->ini, NULL)
              == 0);
  snprintf (world->log_path, sizeof world->log_path, "%s/ezcdc-fuzz-%ld.jsonl",
            access ("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp",
            (long) getpid ());
}

static struct world *
the_world (void)
{
  static struct world world;

  if (world.ring == NULL)
    world_make (&world);
  if (world.records > RECORDS_MAX) {
    remove_log (&world);
    world.records = 0;
  }
  if (world.log == NULL)
    world.log = audit_log_open (world.log_path, world.ring, NULL);
  FUZZ_CHECK (world.log != NULL);
  return &world;
}

/* ---- The message by itself --------------------------------------------- */

/* What is no request of a runner's detail can't stand in a record. */
static void
check_detail (const char *detail)
{
  CLEANUP_TEXT struct text text = { 0 };

  if (!json_rewrite_object (detail, &text))
    return;
  for (size_t i = 0; i < text.length; i++)
    FUZZ_CHECK (text.data[i] >= ' ' && text.data[i] < '\x7f');
  json_t *tree = json_loadb (text.data, text.length, JSON_REJECT_DUPLICATES,
                             NULL);
  FUZZ_CHECK (json_is_object (tree));
  json_decref (tree);
}

/* A message that is accepted has one spelling. */
static void
check_decode (const uint8_t *data, size_t length)
{
  static struct message message;
  unsigned char again[MESSAGE_MAX];

  if (!message_decode (data, length, &message))
    return;
  size_t written = message_encode (message.type, message.serial,
                                   message.number, message.fields, again);
  FUZZ_CHECK (written == length && memcmp (again, data, length) == 0);
  if (message.type == MESSAGE_AUDIT)
    check_detail (message.fields[3]);
}

/* ---- To the keeper ----------------------------------------------------- */

/* The one credential and the one file there are, or a new one with nothing in
 * it. */
static void
check_opened (const struct message *request, int descriptor)
{
  const char *option = request->type == MESSAGE_OPEN ? "password"
                                                     : "ssl_root_cert";
  struct stat status;

  if (request->type == MESSAGE_NEW_FILE)
    FUZZ_CHECK (fstat (descriptor, &status) == 0 && status.st_size == 0);
  else
    FUZZ_CHECK (strcmp (request->fields[0], "source") == 0
                && strcmp (request->fields[1], option) == 0);
}

static void
check_answer (struct world *world, const uint8_t *data, size_t length,
              int socket)
{
  static struct message request, reply;
  int descriptor = -1;
  enum receipt receipt = message_receive (socket, &reply, &descriptor);

  FUZZ_CHECK (receipt == RECEIPT_MESSAGE || receipt == RECEIPT_NOTHING);
  if (receipt == RECEIPT_NOTHING)
    return;
  world->records++;
  FUZZ_CHECK (message_decode (data, length, &request));
  FUZZ_CHECK (reply.serial == request.serial);
  FUZZ_CHECK ((descriptor >= 0) == (reply.type == MESSAGE_OPENED));
  if (reply.type == MESSAGE_OPENED)
    check_opened (&request, descriptor);
  if (reply.type == MESSAGE_WRITTEN)
    FUZZ_CHECK (request.type == MESSAGE_AUDIT);
  if (descriptor >= 0)
    close (descriptor);
}

static void
check_keeper (const uint8_t *data, size_t length)
{
  static struct service service;
  struct world *world = the_world ();
  int ends[2];

  FUZZ_CHECK (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)
              == 0);
  service = (struct service){ .settings = &world->settings,
                              .ini = world->ini,
                              .ring = world->ring,
                              .audit = world->log,
                              .socket = ends[0] };
  watch_begin (&service.watch, NULL);
  FUZZ_CHECK (message_send (ends[1], data, length, -1));
  enum service_state state = serve (&service);
  FUZZ_CHECK (state == SERVICE_GOES_ON || state == SERVICE_BROKEN
              || length == 0);
  check_answer (world, data, length, ends[1]);
  /* A descriptor comes with one kind of message only, and once. */
  FUZZ_CHECK (message_send (ends[1], data, length, ends[1]));
  state = serve (&service);
  FUZZ_CHECK (state == SERVICE_BROKEN || length == 0
              || (state == SERVICE_GOES_ON && service.watch_asked));
  /* Nothing that comes here is this process's memory. */
  FUZZ_CHECK (!watch_sees (&service.watch) && service.watch.memory < 0);
  watch_end (&service.watch);
  close (ends[0]);
  close (ends[1]);
}

/* ---- To the runner ----------------------------------------------------- */

/* Keeps the compiler from leaving out what is only read. */
volatile unsigned fuzz_sum;

static int
take_secret (void *context, const char *secret, size_t length)
{
  (void) context;
  for (size_t i = 0; i < length; i++)
    fuzz_sum += (unsigned char) secret[i];
  FUZZ_CHECK (secret[length] == '\0');
  return 0;
}

/* The answer is there before the question: the link's first serial is 1. */
static void
check_runner (const uint8_t *data, size_t length, bool opens)
{
  static int memory = -1;
  int ends[2];
  struct error error = { 0 };
  int code;

  if (memory < 0) {
    memory = memfd_create ("value", MFD_CLOEXEC);
    FUZZ_CHECK (memory >= 0 && ftruncate (memory, 8192) == 0);
  }
  FUZZ_CHECK (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)
              == 0);
  struct keeper_link *link = keeper_link_open (ends[0], NULL);
  FUZZ_CHECK (link != NULL);
  FUZZ_CHECK (message_send (ends[1], data, length, opens ? memory : -1));
  shutdown (ends[1], SHUT_WR);
  if (opens)
    code = keeper_link_use_secret (link, "source", "password", "connect",
                                   take_secret, NULL, &error);
  else
    code = keeper_link_audit (link, "table.dropped", "t", AUDIT_SUCCESS, NULL,
                              &error);
  FUZZ_CHECK (code == 0 || (code == error.code && error.text[0] != '\0')
              || data[0] == MESSAGE_REFUSED);
  keeper_link_free (link);
  close (ends[0]);
  close (ends[1]);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t length)
{
  check_decode (data, length);
  if (length == 0 || length > 2 * MESSAGE_MAX)
    return 0; /* no packet: it would look like the end */
  check_keeper (data, length);
  check_runner (data, length, false);
  check_runner (data, length, true);
  return 0;
}
