/* SPDX-License-Identifier: Apache-2.0 */
/* What an error of the MySQL port asks of the core.  StarRocks gives most of
 * its errors one number, 1064, and changed others between versions, so the
 * text counts as well. */

#include <string.h>
#include <strings.h>

#include <ezcdc/connector.h>

#include "mysqlerror.h"

int
text_has (const char *text, const char *word)
{
  size_t length = strlen (word);

  for (; *text != '\0'; text++)
    if (strncasecmp (text, word, length) == 0)
      return 1;
  return 0;
}

static int
has_one (const char *text, const char *const *phrases)
{
  for (; *phrases != NULL; phrases++)
    if (text_has (text, *phrases))
      return 1;
  return 0;
}

static const char *const passing[] = {
  "schema change operation is in progress",
  "is doing schema change",
  "please wait",
  "is not stable",
  "state is not normal",
  "is not normal",
  "not master",
  "no alive",
  "no backend",
  "no available",
  "not alive",
  "timeout",
  "timed out",
  "lock",
  "too many",
  "shutting down",
  "not ready",
  "memory exceed",
  "memory of",
  "rpc",
  "cancelled",
  NULL,
};

static void
classify_tls (const char *text, struct mysql_verdict *verdict)
{
  static const char *const lasting[] = {
    "certificate", "verif",     "is required",  "too weak", "hostname",
    "host name",   "too small", "validation",   "self",     "key",
    "CRL",         "issuer",    "No such file", NULL
  };

  verdict->broken = 1;
  verdict->code = EZCDC_E_UNAVAILABLE;
  if (has_one (text, lasting)) {
    verdict->code = EZCDC_E_CONFIG;
    verdict->remedy = "see ssl_mode, ssl_root_cert and the server's "
                      "certificate (its key must have 2048 bits or more)";
  }
}

void
mysql_classify (unsigned number, const char *text,
                struct mysql_verdict *ret_verdict)
{
  struct mysql_verdict verdict = { .code = EZCDC_E_OPERATOR };

  switch (number) {
  case 1045: /* sign-in */
  case 1698:
    verdict.code = EZCDC_E_CREDENTIAL;
    verdict.broken = 1;
    verdict.remedy = "check user and password";
    break;
  case 1044:
  case 1142:
  case 1227:
  case 5203:
    verdict.remedy = "grant the user this privilege";
    break;
  case 5205:
    verdict.code = EZCDC_E_CONFIG;
    verdict.broken = 1;
    verdict.remedy = "the server wants TLS: remove ssl_enabled = no";
    break;
  case 1251:
  case 2059:
  case 2061:
  case 5010: /* an authentication plug-in that was not allowed */
    verdict.code = EZCDC_E_CONFIG;
    verdict.broken = 1;
    verdict.hide_text = 1;
    verdict.remedy = "the server asked for an authentication method that "
                     "would show it the password; give this user "
                     "mysql_native_password";
    break;
  case 2026:
    classify_tls (text, &verdict);
    break;
  default:
    if (number >= 2000 && number < 3000) {
      verdict.code = number == 2008 ? EZCDC_E_MEMORY : EZCDC_E_UNAVAILABLE;
      verdict.broken = 1;
    }
    else if (text_has (text, "access denied")) {
      verdict.remedy = "grant the user this privilege";
    }
    else if (has_one (text, passing))
      verdict.code = EZCDC_E_UNAVAILABLE;
  }
  *ret_verdict = verdict;
}
