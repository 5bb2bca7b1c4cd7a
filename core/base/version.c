/* SPDX-License-Identifier: Apache-2.0 */
/* The version, for code that must not depend on config.h. */

#include <config.h>

#include "core/base/version.h"

const char *
version_text (void)
{
  return PACKAGE_VERSION;
}
