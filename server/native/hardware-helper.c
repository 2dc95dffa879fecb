/*
 * Lets one browser believe in another machine: it is preloaded (LD_PRELOAD) into the processes of a Chromium and answers, in place
 * of the C library, how many processors and how much memory there are. From these Chromium derives
 * navigator.hardwareConcurrency, navigator.deviceMemory, the Device-Memory header and the limit of the JavaScript heap, in
 * every realm.
 *
 *     GUISE_CPU_CORES     processors
 *     GUISE_MEMORY_MB     memory in MiB
 *
 * Without a variable the real answer stands. Includes nothing, so that any C compiler does, without the headers of the system:
 *
 *     cc -shared -fPIC -O2 -o hardware-helper.so hardware-helper.c
 */

#define RTLD_NEXT ((void *)-1L)
#define SC_PAGESIZE 30
#define SC_NPROCESSORS_CONF 83
#define SC_NPROCESSORS_ONLN 84
#define SC_PHYS_PAGES 85
#define SC_AVPHYS_PAGES 86

extern char *getenv(const char *name);
extern long strtol(const char *text, char **end, int base);
extern void *dlsym(void *handle, const char *name);

/* As in sysinfo(2). */
struct sysinfo {
  long uptime;
  unsigned long loads[3];
  unsigned long totalram, freeram, sharedram, bufferram, totalswap, freeswap;
  unsigned short procs, pad;
  unsigned long totalhigh, freehigh;
  unsigned int mem_unit;
};

static long said(const char *name) {
  const char *text = getenv(name);
  return text ? strtol(text, 0, 10) : 0;
}

long sysconf(int name) {
  static long (*real)(int);
  if (!real) real = (long (*)(int))dlsym(RTLD_NEXT, "sysconf");
  long cores = said("GUISE_CPU_CORES");
  if (cores > 0 && (name == SC_NPROCESSORS_CONF || name == SC_NPROCESSORS_ONLN)) return cores;
  long megabytes = said("GUISE_MEMORY_MB");
  if (megabytes > 0 && (name == SC_PHYS_PAGES || name == SC_AVPHYS_PAGES)) {
    long pages = (megabytes << 20) / real(SC_PAGESIZE);
    return name == SC_PHYS_PAGES ? pages : pages / 2;
  }
  return real(name);
}

int sysinfo(struct sysinfo *info) {
  static int (*real)(struct sysinfo *);
  if (!real) real = (int (*)(struct sysinfo *))dlsym(RTLD_NEXT, "sysinfo");
  int result = real(info);
  long megabytes = said("GUISE_MEMORY_MB");
  if (result == 0 && megabytes > 0) info->totalram = ((unsigned long)megabytes << 20) / (info->mem_unit ? info->mem_unit : 1);
  return result;
}

int sched_getaffinity(int process, unsigned long size, unsigned char *mask) {
  static int (*real)(int, unsigned long, unsigned char *);
  if (!real) real = (int (*)(int, unsigned long, unsigned char *))dlsym(RTLD_NEXT, "sched_getaffinity");
  int result = real(process, size, mask);
  long cores = said("GUISE_CPU_CORES");
  if (result != 0 || cores <= 0) return result;
  for (unsigned long byte = 0; byte < size; byte++) {
    long left = cores - (long)byte * 8;
    mask[byte] = left >= 8 ? 0xff : left > 0 ? (unsigned char)((1 << left) - 1) : 0;
  }
  return result;
}
