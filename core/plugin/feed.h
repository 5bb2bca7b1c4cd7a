/* SPDX-License-Identifier: Apache-2.0 */
/* The core's side of the opaque types ezcdc_feed and ezcdc_list: whoever
 * receives rows, tables or chunks embeds one of these as its first member
 * and hands its address to the connector for the length of one call.
 */

#ifndef EZCDC_PLUGIN_FEED_H
#define EZCDC_PLUGIN_FEED_H

#include <stddef.h>
#include <stdint.h>

#include <ezcdc/connector.h>

/* The receiving end of a stream, a chunk or a scan. Each member is the
 * function of struct ezcdc_host of the same name and returns what that one
 * promises to return. What does not need the receiver is checked before, see
 * host_feed.h. A member that the receiver does not expect is NULL: the
 * host then answers EZCDC_E_BUG in the receiver's place. A receiver that
 * fails records why with instance_fail () of the instance that it reads from.
 */
struct feed_operations {
  int (*begin) (struct ezcdc_feed *feed, const struct ezcdc_position *commit,
                int64_t commit_time);
  int (*row) (struct ezcdc_feed *feed, uint64_t table_id, uint32_t operation,
              const struct ezcdc_value *values,
              const struct ezcdc_value *old_values, const char *message,
              size_t length);
  int (*truncate) (struct ezcdc_feed *feed, uint64_t table_id);
  int (*table) (struct ezcdc_feed *feed, const struct ezcdc_table *table);
  int (*commit) (struct ezcdc_feed *feed, const struct ezcdc_position *end);
  int (*progress) (struct ezcdc_feed *feed,
                   const struct ezcdc_position *position);
};

struct ezcdc_feed {
  const struct feed_operations *operations; /* constant, outlives the feed */
  /* Whose call it is: told what it does wrong. NULL: nobody is. */
  struct ezcdc_instance *instance;
};

/* The receiving end of discover and snapshot_plan; NULL members as above. */
struct ezcdc_list {
  int (*table) (struct ezcdc_list *list, const struct ezcdc_table *table);
  int (*chunk) (struct ezcdc_list *list, const char *chunk,
                int64_t estimated_rows);
  struct ezcdc_instance *instance; /* as above */
};

#endif
