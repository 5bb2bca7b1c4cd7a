/* SPDX-License-Identifier: Apache-2.0 */
/* Standard input, output and error. */

#ifndef EZCDC_BASE_STREAMS_H
#define EZCDC_BASE_STREAMS_H

#include <stdbool.h>

/* Gives those of the three that are closed to the null device, so that none
 * becomes the descriptor of a file that is opened later, which what is printed
 * would go into. Reading such an input and writing such an output fail. To be
 * called before anything is opened. False with errno set if it cannot be done.
 */
bool streams_reserve (void);

/* Whether standard output can be written to at all. False with errno set. */
bool streams_have_output (void);

#endif
