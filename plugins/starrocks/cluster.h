/* SPDX-License-Identifier: Apache-2.0 */
/* The cluster behind the frontend: its version and the nodes that loads may
 * be redirected to. */
#ifndef STARROCKS_CLUSTER_H
#define STARROCKS_CLUSTER_H

#include "connect.h"
#include "starrocks.h"

/* Lists the nodes again; *ret_new is the number of those not known before.
 * A user without the privilege sees none, which is no failure. */
int cluster_read_nodes (struct starrocks *self, unsigned *ret_new);
/* Whether a row of SHOW BACKENDS and the like names a node: its host or
 * address and its HTTP port as the server wrote them, NULL for none. */
int node_read (const char *name, const char *port, uint32_t *ret_port);
void cluster_free (struct starrocks *self);

#endif /* STARROCKS_CLUSTER_H */
