/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for secrets. */

#include <config.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/base/memory.h"
#include "core/crypto/secret.h"

static atomic_int poorest = SECRET_HIDDEN;
static atomic_bool hidden_refused;

enum secret_protection
secret_protection (void)
{
  return (enum secret_protection) atomic_load (&poorest);
}

void
secret_refuse_hidden (void)
{
  atomic_store (&hidden_refused, true);
}

static void
note_protection (enum secret_protection protection)
{
  int seen = atomic_load (&poorest);

  while (seen < (int) protection
         && !atomic_compare_exchange_weak (&poorest, &seen, (int) protection))
    ;
}

static size_t
page_size (void)
{
  return (size_t) sysconf (_SC_PAGESIZE);
}

/* Rounds up to whole pages; 0 if there is no such size. */
static size_t
whole_pages (size_t length)
{
  size_t page = page_size ();
  size_t sum;

  if (length == 0)
    length = 1;
  if (!size_add (length, page - 1, &sum) || sum > (size_t) 1 << 30)
    return 0;
  return sum / page * page;
}

/* A descriptor of hidden memory, or -1. It does not survive an exec. */
static int
hidden_descriptor (void)
{
  if (atomic_load (&hidden_refused))
    return -1;
#ifdef SYS_memfd_secret
  /* The flag is FD_CLOEXEC's own value, O_CLOEXEC. */
  return (int) syscall (SYS_memfd_secret, 02000000);
#else
  return -1;
#endif
}

/* Reserves room for length bytes and the guard pages on both sides. */
static int
reserve (struct secret *secret, size_t length, struct error *error)
{
  size_t page = page_size ();
  void *region = mmap (NULL, length + 2 * page, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  if (region == MAP_FAILED)
    return error_set (error, EZCDC_E_MEMORY,
                      "reserve memory for a secret: %m");
  secret->region = region;
  secret->region_length = length + 2 * page;
  secret->data = (unsigned char *) region + page;
  secret->capacity = length;
  return 0;
}

/* Lays the pages of a descriptor over the reserved room. */
static bool
lay_descriptor (struct secret *secret, int descriptor)
{
  if (mmap (secret->data, secret->capacity, PROT_READ | PROT_WRITE,
            MAP_SHARED | MAP_FIXED, descriptor, 0)
      == MAP_FAILED)
    return false;
  madvise (secret->data, secret->capacity, MADV_DONTDUMP);
  madvise (secret->data, secret->capacity, MADV_DONTFORK);
  return true;
}

static bool
lay_hidden (struct secret *secret)
{
  CLEANUP_CLOSE int descriptor = hidden_descriptor ();

  return descriptor >= 0
         && ftruncate (descriptor, (off_t) secret->capacity) == 0
         && lay_descriptor (secret, descriptor);
}

static bool
lay_private (struct secret *secret)
{
  /* MAP_FIXED once more: a failed attempt may have taken the room away. */
  if (mmap (secret->data, secret->capacity, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)
      == MAP_FAILED)
    return false;
  note_protection (mlock (secret->data, secret->capacity) == 0
                     ? SECRET_LOCKED
                     : SECRET_UNLOCKED);
  madvise (secret->data, secret->capacity, MADV_DONTDUMP);
  madvise (secret->data, secret->capacity, MADV_WIPEONFORK);
  return true;
}

int
secret_create (struct secret *secret, size_t capacity, struct error *error)
{
  size_t length = whole_pages (capacity);
  struct secret made = { 0 };

  if (length == 0)
    return error_set (error, EZCDC_E_MEMORY,
                      "a secret of %zu bytes is too large", capacity);
  int code = reserve (&made, length, error);
  if (code != 0)
    return code;
  if (!lay_hidden (&made) && !lay_private (&made)) {
    code = error_set (error, EZCDC_E_MEMORY, "map memory for a secret: %m");
    munmap (made.region, made.region_length);
    return code;
  }
  *secret = made;
  return 0;
}

void
secret_free (struct secret *secret)
{
  if (secret->region == NULL)
    return;
  explicit_bzero (secret->data, secret->capacity);
  munmap (secret->region, secret->region_length);
  *secret = (struct secret){ 0 };
}

/* Fills a descriptor of so many pages; false if it cannot be (RLIMIT_MEMLOCK
 * counts hidden pages). */
static bool
fill_descriptor (int descriptor, size_t pages, const void *data, size_t length)
{
  if (ftruncate (descriptor, (off_t) pages) != 0)
    return false;
  void *bytes = mmap (NULL, pages, PROT_READ | PROT_WRITE, MAP_SHARED,
                      descriptor, 0);
  if (bytes == MAP_FAILED)
    return false;
  if (length > 0)
    memcpy (bytes, data, length);
  munmap (bytes, pages);
  return true;
}

int
secret_send_prepare (const void *data, size_t length, int *ret_descriptor,
                     struct error *error)
{
  size_t pages = whole_pages (length + 1);
  CLEANUP_CLOSE int hidden = hidden_descriptor ();
  CLEANUP_CLOSE int ordinary = -1;

  if (pages == 0)
    return error_set (error, EZCDC_E_MEMORY,
                      "a secret of %zu bytes is too large", length);
  if (hidden >= 0 && fill_descriptor (hidden, pages, data, length)) {
    *ret_descriptor = TAKE_DESCRIPTOR (hidden);
    return 0;
  }
  ordinary = memfd_create ("secret", MFD_CLOEXEC);
  if (ordinary < 0 || !fill_descriptor (ordinary, pages, data, length))
    return error_set (error, EZCDC_E_MEMORY,
                      "make a descriptor for a secret: %m");
  *ret_descriptor = TAKE_DESCRIPTOR (ordinary);
  return 0;
}

int
secret_receive (int descriptor, size_t length, struct secret *secret,
                struct error *error)
{
  size_t pages = whole_pages (length + 1);
  struct secret made = { 0 };
  struct stat status;

  if (fstat (descriptor, &status) != 0 || pages == 0
      || status.st_size < (off_t) pages)
    return error_set (error, EZCDC_E_BUG,
                      "the keeper sent a secret of the wrong size");
  int code = reserve (&made, pages, error);
  if (code != 0)
    return code;
  if (!lay_descriptor (&made, descriptor)) {
    code = error_set (error, EZCDC_E_MEMORY, "map a secret: %m");
    munmap (made.region, made.region_length);
    return code;
  }
  if (mlock (made.data, made.capacity) != 0 && errno != EINVAL)
    note_protection (SECRET_UNLOCKED);
  *secret = made;
  return 0;
}
