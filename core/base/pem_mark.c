/* SPDX-License-Identifier: Apache-2.0 */
/* What PEM texts are known by. */

#include <config.h>

#include <string.h>

#include "core/base/pem_mark.h"

void
pem_hide (char *message)
{
  static const char sign[] = "[PEM]";
  char *begin = strstr (message, PEM_BEGIN);

  _Static_assert(sizeof sign < sizeof PEM_BEGIN, "the sign has room");
  if (begin != NULL)
    memcpy (begin, sign, sizeof sign);
}
