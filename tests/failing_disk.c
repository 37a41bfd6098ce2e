/*
 * A disk that fails: loaded with LD_PRELOAD, the call named by FAIL_CALL fails with the error number FAIL_ERRNO for
 * every file whose path ends in FAIL_PATH.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int fails(const char *call, const char *path)
{
    const char *chosen = getenv("FAIL_CALL"), *end = getenv("FAIL_PATH"), *number = getenv("FAIL_ERRNO");
    size_t length = strlen(path);
    if (!chosen || !end || !number || strcmp(call, chosen) || length < strlen(end))
        return 0;
    if (strcmp(path + length - strlen(end), end))
        return 0;
    errno = atoi(number);
    return 1;
}

static int fails_at(const char *call, int fd)
{
    char name[64], path[4096];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(name, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return fails(call, path);
}

ssize_t read(int fd, void *data, size_t count)
{
    return fails_at("read", fd) ? -1 : REAL(read)(fd, data, count);
}

ssize_t write(int fd, const void *data, size_t count)
{
    return fails_at("write", fd) ? -1 : REAL(write)(fd, data, count);
}

int fsync(int fd)
{
    return fails_at("fsync", fd) ? -1 : REAL(fsync)(fd);
}

int fstat(int fd, struct stat *status)
{
    return fails_at("fstat", fd) ? -1 : REAL(fstat)(fd, status);
}

int fstat64(int fd, struct stat64 *status)
{
    return fails_at("fstat", fd) ? -1 : REAL(fstat64)(fd, status);
}

/* Linux frees the descriptor also where close() tells of a write that was lost. */
int close(int fd)
{
    int lost = fails_at("close", fd), number = errno, done = REAL(close)(fd);
    if (lost)
        errno = number;
    return lost ? -1 : done;
}

struct dirent *readdir(DIR *directory)
{
    return fails_at("readdir", dirfd(directory)) ? NULL : REAL(readdir)(directory);
}

struct dirent64 *readdir64(DIR *directory)
{
    return fails_at("readdir", dirfd(directory)) ? NULL : REAL(readdir64)(directory);
}

int rename(const char *from, const char *to)
{
    return fails("rename", to) ? -1 : REAL(rename)(from, to);
}

static mode_t mode_of(int flags, va_list rest)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
}

#define OPEN(name, parameters, ...)                                  \
    int name parameters                                              \
    {                                                                \
        va_list rest;                                                \
        va_start(rest, flags);                                       \
        mode_t mode = mode_of(flags, rest);                          \
        va_end(rest);                                                \
        return fails("open", path) ? -1 : REAL(name)(__VA_ARGS__, mode); \
    }

OPEN(open, (const char *path, int flags, ...), path, flags)
OPEN(open64, (const char *path, int flags, ...), path, flags)
OPEN(openat, (int folder, const char *path, int flags, ...), folder, path, flags)
OPEN(openat64, (int folder, const char *path, int flags, ...), folder, path, flags)
