/* SPDX-License-Identifier: Apache-2.0 */
/* The cluster behind the frontend. */

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cluster.h"
#include "query.h"
#include "types.h"

#define NODES_VALID_US INT64_C (300000000)

struct node {
  struct node *next;
  uint32_t port;
  char name[]; /* host or address */
};

static int
node_known (const struct starrocks *self, const char *name, uint32_t port)
{
  for (const struct node *node = self->nodes; node != NULL; node = node->next)
    if (node->port == port && strcasecmp (node->name, name) == 0)
      return 1;
  return 0;
}

/* Lets redirects to a node pass.  1 if it is new, 0, or an error's code. */
static int
node_add (struct starrocks *self, const char *name, uint32_t port)
{
  size_t size = strlen (name) + 1;
  struct node *node;
  int code = 0;

  pthread_mutex_lock (&self->lock);
  if (!node_known (self, name, port)) {
    node = malloc (sizeof *node + size);
    if (node == NULL)
      code = host->fail (self->instance, EZCDC_E_MEMORY, "out of memory");
    else {
      memcpy (node->name, name, size);
      node->port = port;
      node->next = self->nodes;
      self->nodes = node;
      code = host->http_allow (self->instance, name, port);
      code = code == EZCDC_OK ? 1 : code;
    }
  }
  pthread_mutex_unlock (&self->lock);
  return code;
}

int
node_read (const char *name, const char *port, uint32_t *ret_port)
{
  char *end;
  long number;

  if (name == NULL || name[0] == '\0' || port == NULL)
    return 0;
  number = strtol (port, &end, 10);
  if (*end != '\0' || number < 1 || number > 65535)
    return 0;
  *ret_port = (uint32_t) number;
  return 1;
}

/* Reads one SHOW statement; *ret_count is how many nodes it listed. */
static int
read_list (struct starrocks *self, struct connection *connection,
           const char *statement, unsigned *new_nodes, int *ret_count)
{
  MYSQL_RES *result;
  MYSQL_ROW row;
  int name, port, code = EZCDC_OK;

  *ret_count = 0;
  result = query_ask (connection, statement, strlen (statement));
  if (result == NULL) {
    unsigned number = mysql_errno (connection->mysql);

    if (number >= 2000 && number < 3000)
      return query_fail (self, connection, statement);
    host->log (self->instance, EZCDC_LOG_DEBUG, "%s: %s", statement,
               mysql_error (connection->mysql));
    return EZCDC_OK;
  }
  name = result_column (result, "IP");
  if (name == -1)
    name = result_column (result, "Host");
  port = result_column (result, "HttpPort");
  while (code >= 0 && name != -1 && port != -1
         && (row = mysql_fetch_row (result)) != NULL) {
    uint32_t number;

    if (!node_read (row[name], row[port], &number))
      continue;
    ++*ret_count;
    code = node_add (self, row[name], number);
    if (code == 1)
      ++*new_nodes;
  }
  mysql_free_result (result);
  return code < 0 ? code : EZCDC_OK;
}

static int
read_lists (struct starrocks *self, struct connection *connection,
            unsigned *new_nodes)
{
  int backends, others, code;

  code = read_list (self, connection, "SHOW BACKENDS", new_nodes, &backends);
  if (code == EZCDC_OK)
    code = read_list (self, connection, "SHOW COMPUTE NODES", new_nodes,
                      &others);
  if (code == EZCDC_OK)
    code = read_list (self, connection, "SHOW FRONTENDS", new_nodes, &others);
  if (code != EZCDC_OK)
    return code;
  pthread_mutex_lock (&self->lock);
  self->backends = backends;
  self->nodes_read = host->monotonic_time ();
  pthread_mutex_unlock (&self->lock);
  return EZCDC_OK;
}

int
cluster_read_nodes (struct starrocks *self, unsigned *ret_new)
{
  struct connection *connection;
  unsigned new_nodes = 0;
  int code = connection_take (self, &connection);

  if (code != EZCDC_OK)
    return code;
  code = read_lists (self, connection, &new_nodes);
  connection_give (self, connection, code == EZCDC_OK);
  if (code == EZCDC_OK)
    *ret_new = new_nodes;
  return code;
}

/* The banner of the handshake says 8.0.33 whatever the version. */
static int
read_version (struct starrocks *self)
{
  struct connection *connection;
  struct buffer sql = { 0 };
  MYSQL_RES *result;
  MYSQL_ROW row;
  int code = connection_take (self, &connection), version = VERSION_UNKNOWN;

  if (code != EZCDC_OK)
    return code;
  buffer_text (&sql, "SELECT current_version()");
  code = query_store (self, connection, &sql, "ask for the version", &result);
  if (code == EZCDC_OK) {
    row = mysql_fetch_row (result);
    if (row != NULL && row[0] != NULL) {
      version = version_parse (row[0]);
      host->log (self->instance, EZCDC_LOG_INFO, "StarRocks %s at %s", row[0],
                 self->settings.host);
    }
    mysql_free_result (result);
    pthread_mutex_lock (&self->lock);
    self->version = version;
    pthread_mutex_unlock (&self->lock);
  }
  buffer_free (&sql);
  connection_give (self, connection, code == EZCDC_OK);
  return code;
}

int
starrocks_version (struct starrocks *self)
{
  int version;

  pthread_mutex_lock (&self->lock);
  version = self->version;
  pthread_mutex_unlock (&self->lock);
  return version;
}

int
starrocks_backends (struct starrocks *self)
{
  int backends;

  pthread_mutex_lock (&self->lock);
  backends = self->backends;
  pthread_mutex_unlock (&self->lock);
  return backends;
}

int
starrocks_ready (struct starrocks *self)
{
  unsigned new_nodes;
  int64_t read;
  int version, code = EZCDC_OK;

  pthread_mutex_lock (&self->lock);
  version = self->version;
  read = self->nodes_read;
  pthread_mutex_unlock (&self->lock);
  if (version == 0)
    code = read_version (self);
  if (code == EZCDC_OK
      && (read == 0 || host->monotonic_time () - read > NODES_VALID_US))
    code = cluster_read_nodes (self, &new_nodes);
  return code;
}

void
cluster_free (struct starrocks *self)
{
  while (self->nodes != NULL) {
    struct node *next = self->nodes->next;

    free (self->nodes);
    self->nodes = next;
  }
}
