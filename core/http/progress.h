/* SPDX-License-Identifier: Apache-2.0 */
/* An exchange under way: what libcurl asks for and tells while it lasts. */

#ifndef EZCDC_HTTP_PROGRESS_H
#define EZCDC_HTTP_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <curl/curl.h>

#include "core/http/session.h"

/* A handle with its kept-alive connections. */
struct http_session {
  CURLM *multi;
  CURL *easy;
  char message[CURL_ERROR_SIZE];
};

/* An exchange under way. */
struct progress {
  struct http_exchange *exchange;
  struct http_session *session;
  uint64_t body_read; /* of the request, by libcurl */
  unsigned header_lines;
  size_t header_bytes;
  uint64_t unwanted_bytes; /* of the answer, beyond the buffer */
  uint64_t answer_bytes;
  int64_t answer_length; /* as announced; -1: it was not */
  uint32_t status;       /* of the headers that are arriving */
  bool answered;         /* the headers of the final answer are complete */
  bool too_large;
  bool stopped;
};

/* libcurl takes options as variable arguments; a failure is out of memory or
 * a libcurl that was built without what configure asked for. */
#define CURL_SET(option_, value_)                                             \
  do {                                                                        \
    CURLcode set_code = curl_easy_setopt (easy, option_, value_);             \
    if (set_code != CURLE_OK)                                                 \
      return set_code;                                                        \
  } while (0)

/* Lets libcurl work on the progress, which has to live until the handle is
 * reset. */
CURLcode progress_attach (CURL *easy, struct progress *progress)
  __attribute__ ((nonnull));

#endif
