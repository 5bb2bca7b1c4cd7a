/* SPDX-License-Identifier: Apache-2.0 */
/* What a server may ask of us before it lets us in.
 *
 * libpq before 16 answers whatever request for a password comes. So each
 * byte of the server is shown to this reader first, which takes messages
 * apart as libpq does:
 *
 *   message:  type (1), length (4, counts itself), body
 *   'R':      code (4), and for SASL-continue "r=NONCE,s=SALT,i=ITERATIONS"
 *
 * and says no before libpq has seen what it would answer. */

#ifndef POSTGRES_AUTHENTICATION_H
#define POSTGRES_AUTHENTICATION_H

#include <stdbool.h>
#include <stddef.h>

/* Methods, as require_auth names them. */
#define AUTHENTICATION_SCRAM 1u
#define AUTHENTICATION_MD5 2u
#define AUTHENTICATION_PASSWORD 4u /* in the clear */
#define AUTHENTICATION_NONE 8u     /* nothing is asked for */
#define AUTHENTICATION_ANY 15u

/* What libpq takes at most for a request, too. */
#define AUTHENTICATION_REQUEST_MAX 2000

struct authentication {
  unsigned methods;      /* AUTHENTICATION_..., that may be answered */
  unsigned char head[5]; /* of the message that is arriving */
  size_t head_length;    /* how much of it is here */
  size_t body_left;      /* bytes of its body that are still to come */
  unsigned char body[AUTHENTICATION_REQUEST_MAX]; /* if it is a request */
  size_t body_length;
  bool asked;  /* a request was made */
  bool told;   /* it was for the password in the clear, and may be answered */
  bool scram;  /* it was SASL, ... */
  bool proved; /* ... and the server has given its own proof */
  bool done;   /* we are in: nothing more is looked at */
};

/* Before the first byte of a connection. */
void authentication_begin (struct authentication *authentication,
                           unsigned methods);

/* How many bytes at most to read next, so that what is read does not go
 * beyond one message. Not once it is done. */
size_t authentication_wants (const struct authentication *authentication);

/* Takes bytes that the server has sent. NULL if libpq may see them, or why
 * not: a sentence that begins behind "the server ". */
const char *authentication_see (struct authentication *authentication,
                                const unsigned char *data, size_t length);

/* Reads "scram-sha-256, md5"; false if a word is none of those above. */
bool authentication_parse (const char *text, unsigned *ret_methods);

#endif /* POSTGRES_AUTHENTICATION_H */
