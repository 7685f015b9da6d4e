/* Ends a program, or fails its calls, at the system calls that change regular files.
 *
 * Preloaded into the program. FAULTS_CONTROL names a file that holds a `struct control`; the test
 * maps it too, so that it can say at any moment what is to happen. See faults.py.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct control {
    _Atomic int64_t calls;   /* made so far */
    _Atomic int64_t die_at;  /* the call that is the end; 0: none */
    _Atomic int64_t torn;    /* whether the write that is the end writes its first half */
    _Atomic int64_t fail_at; /* the call from which on they fail */
    _Atomic int64_t error;   /* what they fail with; 0: none fails */
    _Atomic int64_t refused; /* how many have failed */
    char only[208];          /* a part of the paths that fail; empty: all of them */
};

static struct control *control;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void attach(void) {
    const char *path = getenv("FAULTS_CONTROL");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *at = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    control = at == MAP_FAILED ? NULL : at;
}

static bool is_refused(int64_t call, const char *path) {
    if (!control->error || call < control->fail_at || !strstr(path, control->only))
        return false;
    atomic_fetch_add(&control->refused, 1);
    errno = (int)control->error;
    return true;
}

/* Count a call; true if it has to fail. `write` gives what a torn write leaves behind. */
static bool fails(const char *path, void (*write_half)(void *), void *what) {
    int64_t call = atomic_fetch_add(&control->calls, 1) + 1;
    if (call == control->die_at) {
        if (control->torn && write_half)
            write_half(what);
        kill(getpid(), SIGKILL);
    }
    return is_refused(call, path);
}

static bool fails_at(int fd, void (*write_half)(void *), void *what) {
    char link[64], path[4096];
    struct stat status;
    if (!control || fstat(fd, &status) || !S_ISREG(status.st_mode))
        return false;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = 0;
    return fails(path, write_half, what);
}

struct data {
    int fd;
    const void *bytes;
    size_t size;
    off64_t offset; /* -1: where the file is at */
};

static void write_half(void *what) {
    struct data *data = what;
    if (data->offset < 0)
        (void)!REAL(write)(data->fd, data->bytes, data->size / 2);
    else
        (void)!REAL(pwrite64)(data->fd, data->bytes, data->size / 2, data->offset);
}

ssize_t write(int fd, const void *bytes, size_t size) {
    struct data data = {fd, bytes, size, -1};
    return fails_at(fd, write_half, &data) ? -1 : REAL(write)(fd, bytes, size);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset) {
    struct data data = {fd, bytes, size, offset};
    return fails_at(fd, write_half, &data) ? -1 : REAL(pwrite64)(fd, bytes, size, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset) {
    return pwrite64(fd, bytes, size, offset);
}

int ftruncate64(int fd, off64_t size) {
    return fails_at(fd, NULL, NULL) ? -1 : REAL(ftruncate64)(fd, size);
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int fsync(int fd) { return fails_at(fd, NULL, NULL) ? -1 : REAL(fsync)(fd); }

int fdatasync(int fd) { return fails_at(fd, NULL, NULL) ? -1 : REAL(fdatasync)(fd); }

int rename(const char *from, const char *to) {
    return control && fails(to, NULL, NULL) ? -1 : REAL(rename)(from, to);
}

int unlink(const char *path) {
    return control && fails(path, NULL, NULL) ? -1 : REAL(unlink)(path);
}

/* Opening changes nothing but for a new file: it isn't counted, but fails as the rest does. */
int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    bool writes = control && flags & (O_WRONLY | O_RDWR) && strncmp(path, "/dev/", 5);
    return writes && is_refused(control->calls + 1, path) ? -1 : REAL(open64)(path, flags, mode);
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    return open64(path, flags, mode);
}
