/* SPDX-License-Identifier: Apache-2.0 */
/* Connector/C's header for authors of transports, made fit for ours. */
#ifndef STARROCKS_TRANSPORT_H
#define STARROCKS_TRANSPORT_H

#include <mysql.h>

#define HAVE_TLS 1
typedef unsigned char uchar; /* which it uses before it defines it */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#include <ma_pvio.h>
#pragma GCC diagnostic pop

#endif /* STARROCKS_TRANSPORT_H */
