/* SPDX-License-Identifier: Apache-2.0 */
/* The version of the program. */

#ifndef EZCDC_BASE_VERSION_H
#define EZCDC_BASE_VERSION_H

/* For example "1.0.0"; constant memory. */
const char *version_text (void);

#endif
