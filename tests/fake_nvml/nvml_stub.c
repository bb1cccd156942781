/* A stand-in for libnvidia-ml.so.1 on machines without an NVIDIA GPU.
 *
 *   cc -shared -fPIC -O2 -o libnvidia-ml.so.1 nvml_stub.c
 *   FAKE_NVML=scenario.txt LD_LIBRARY_PATH=$PWD program
 *
 * -DnvmlFoo=absent_nvmlFoo leaves the function nvmlFoo out, as in an older driver.
 *
 * The scenario is read again at every call, so a test can change it while a program runs (replace
 * the file, do not write into it). One `key value` a line; keys may carry a device index
 * (`util@1 97`), else they hold for all devices:
 *   count 1 | name NVIDIA GeForce RTX 4090 | util 97 | memutil 40 | mem_total_mb 24564
 *   mem_used_mb 22011 | temp 71 | power_mw 402000 | limit_mw 450000 | fan 60 | sm_mhz 2520
 *   mem_mhz 10501 | throttle 0 | pid 1234 99 | pid_mb 21000 300 | gpid 77 | gpid_mb 50 | cc 89
 *   driver 580.65.06 | cuda 13000 | uuid GPU-… (default: made from `card`) | card 0 (default: index)
 *   err.<suffix> CODE    that function refuses (err.Utilization 15 -> NVML_ERROR_GPU_IS_LOST)
 *   err.Device CODE      every function of a device refuses
 *   hang.<suffix> 1      that function does not return while the scenario says so
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
typedef unsigned int u32; typedef unsigned long long u64; typedef int ret;
static const char *text(int dev, const char *key, const char *dflt) {
    static __thread char out[8][256]; static __thread int turn; char *o = out[turn++ & 7];
    const char *path = getenv("FAKE_NVML"); FILE *f = path ? fopen(path, "r") : NULL;
    snprintf(o, 256, "%s", dflt); if (!f) return o;
    char line[512], k1[128], k2[128]; int best = 0;
    snprintf(k1, 128, "%s ", key); snprintf(k2, 128, "%s@%d ", key, dev);
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\r\n")] = 0;
        if (!strncmp(line, k2, strlen(k2))) { snprintf(o, 256, "%s", line + strlen(k2)); best = 2; }
        else if (best < 2 && !strncmp(line, k1, strlen(k1))) { snprintf(o, 256, "%s", line + strlen(k1)); best = 1; }
    }
    fclose(f); return o;
}
static u64 num(int d, const char *k, u64 v) { char b[32]; snprintf(b, 32, "%llu", v); return strtoull(text(d, k, b), 0, 0); }
#define DEV(h) ((int)(long)(h) - 1)
#define ERR(d, name) do { while (num(d, "hang." name, 0)) usleep(5000); u64 e = num(d, "err." name, 0); if (e) return (ret)e; } while (0)
#define ANY(d, name) do { ERR(d, "Device"); ERR(d, name); } while (0)
ret nvmlInitWithFlags(u32 f) { (void)f; ERR(0, "Init"); return 0; }
ret nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
ret nvmlShutdown(void) { ERR(0, "Shutdown"); return 0; }
const char *nvmlErrorString(ret r) { return r == 15 ? "GPU is lost" : r == 3 ? "Not Supported" : r == 999 ? "Unknown Error" : "stand-in error"; }
ret nvmlSystemGetDriverVersion(char *b, u32 n) { ERR(0, "Driver"); snprintf(b, n, "%s", text(0, "driver", "580.65.06")); return 0; }
ret nvmlSystemGetCudaDriverVersion(int *v) { ERR(0, "Cuda"); *v = (int)num(0, "cuda", 13000); return 0; }
ret nvmlSystemGetCudaDriverVersion_v2(int *v) { ERR(0, "Cuda"); *v = (int)num(0, "cuda", 13000); return 0; }
ret nvmlDeviceGetCount_v2(u32 *n) { ERR(0, "Count"); *n = (u32)num(0, "count", 1); return 0; }
ret nvmlDeviceGetHandleByIndex_v2(u32 i, void **h) { ERR((int)i, "Handle"); if (i >= num(0, "count", 1)) return 2; *h = (void *)(long)(i + 1); return 0; }
ret nvmlDeviceGetName(void *h, char *b, u32 n) { ANY(DEV(h), "Name"); snprintf(b, n, "%s", text(DEV(h), "name", "NVIDIA GeForce RTX 4090")); return 0; }
static int card(int d) { return (int)num(d, "card", (u64)d); }
ret nvmlDeviceGetUUID(void *h, char *b, u32 n) {
    char made[64]; ANY(DEV(h), "UUID"); snprintf(made, 64, "GPU-00000000-0000-0000-0000-%012d", card(DEV(h)));
    snprintf(b, n, "%s", text(DEV(h), "uuid", made)); return 0;
}
struct pci { char legacy[16]; u32 domain, bus, device, id, sub; char bus_id[32]; };
ret nvmlDeviceGetPciInfo_v3(void *h, struct pci *p) { ANY(DEV(h), "Pci"); memset(p, 0, sizeof *p); p->bus = (u32)card(DEV(h)) + 1; snprintf(p->bus_id, 32, "00000000:%02X:00.0", p->bus); snprintf(p->legacy, 16, "0000:%02X:00.0", p->bus); return 0; }
ret nvmlDeviceGetCudaComputeCapability(void *h, int *a, int *b) { ANY(DEV(h), "Capability"); int c = (int)num(DEV(h), "cc", 89); *a = c / 10; *b = c % 10; return 0; }
struct mem1 { u64 total, free, used; }; struct mem2 { u32 version; u64 total, reserved, free, used; };
static ret memory(int d, struct mem1 *m) { ANY(d, "Memory"); m->total = num(d, "mem_total_mb", 24564) << 20; m->used = num(d, "mem_used_mb", 22011) << 20; m->free = m->total - m->used; return 0; }
ret nvmlDeviceGetMemoryInfo(void *h, struct mem1 *m) { return memory(DEV(h), m); }
ret nvmlDeviceGetMemoryInfo_v2(void *h, struct mem2 *m) { struct mem1 a; if (m->version != 0x02000028) return 25; ERR(DEV(h), "MemoryV2"); ret r = memory(DEV(h), &a); if (r) return r; m->total = a.total; m->free = a.free; m->used = a.used; m->reserved = 0; return 0; }
struct util { u32 gpu, memory; };
ret nvmlDeviceGetUtilizationRates(void *h, struct util *u) { int d = DEV(h); ANY(d, "Utilization"); u->gpu = (u32)num(d, "util", 97); u->memory = (u32)num(d, "memutil", 40); return 0; }
ret nvmlDeviceGetTemperature(void *h, u32 s, u32 *t) { (void)s; ANY(DEV(h), "Temperature"); *t = (u32)num(DEV(h), "temp", 71); return 0; }
struct tempv { u32 version, sensor; int t; };
ret nvmlDeviceGetTemperatureV(void *h, struct tempv *t) { ANY(DEV(h), "Temperature"); t->t = (int)num(DEV(h), "temp", 71); return 0; }
ret nvmlDeviceGetPowerUsage(void *h, u32 *p) { ANY(DEV(h), "Power"); *p = (u32)num(DEV(h), "power_mw", 402000); return 0; }
ret nvmlDeviceGetEnforcedPowerLimit(void *h, u32 *p) { ANY(DEV(h), "Limit"); *p = (u32)num(DEV(h), "limit_mw", 450000); return 0; }
ret nvmlDeviceGetPowerManagementLimit(void *h, u32 *p) { ANY(DEV(h), "ManagementLimit"); *p = (u32)num(DEV(h), "limit_mw", 450000); return 0; }
ret nvmlDeviceGetFanSpeed(void *h, u32 *p) { ANY(DEV(h), "Fan"); *p = (u32)num(DEV(h), "fan", 60); return 0; }
ret nvmlDeviceGetClockInfo(void *h, u32 k, u32 *c) { ANY(DEV(h), "Clock"); *c = (u32)num(DEV(h), k == 2 ? "mem_mhz" : "sm_mhz", k == 2 ? 10501 : 2520); return 0; }
ret nvmlDeviceGetMaxClockInfo(void *h, u32 k, u32 *c) { ANY(DEV(h), "MaxClock"); *c = k == 2 ? 10501 : 3105; return 0; }
static ret reasons(int d, u64 *r) { ANY(d, "Throttle"); *r = num(d, "throttle", 0); return 0; }
ret nvmlDeviceGetCurrentClocksThrottleReasons(void *h, u64 *r) { return reasons(DEV(h), r); }
ret nvmlDeviceGetCurrentClocksEventReasons(void *h, u64 *r) { return reasons(DEV(h), r); }
struct proc { u32 pid; u64 mem; u32 gi, ci; };
static ret procs(int d, const char *key, const char *mb_key, u32 *n, struct proc *p) {
    char pids[256], mbs[256], *ps, *ms; u32 found = 0, room = *n;
    snprintf(pids, 256, "%s", text(d, key, "")); snprintf(mbs, 256, "%s", text(d, mb_key, ""));
    char *pid = strtok_r(pids, " ", &ps), *mb = strtok_r(mbs, " ", &ms);
    for (; pid; pid = strtok_r(NULL, " ", &ps), found++) {
        if (p && found < room) {
            p[found].pid = (u32)strtoul(pid, 0, 0); p[found].mem = mb ? strtoull(mb, 0, 0) << 20 : ~0ull; p[found].gi = p[found].ci = ~0u;
        }
        if (mb) mb = strtok_r(NULL, " ", &ms);
    }
    *n = found; return found > room || (found && !p) ? 7 : 0;
}
ret nvmlDeviceGetComputeRunningProcesses_v3(void *h, u32 *n, struct proc *p) { ANY(DEV(h), "Processes"); return procs(DEV(h), "pid", "pid_mb", n, p); }
ret nvmlDeviceGetComputeRunningProcesses_v2(void *h, u32 *n, struct proc *p) { ANY(DEV(h), "Processes"); return procs(DEV(h), "pid", "pid_mb", n, p); }
ret nvmlDeviceGetGraphicsRunningProcesses_v3(void *h, u32 *n, struct proc *p) { ANY(DEV(h), "GraphicsProcesses"); return procs(DEV(h), "gpid", "gpid_mb", n, p); }
ret nvmlDeviceGetGraphicsRunningProcesses_v2(void *h, u32 *n, struct proc *p) { ANY(DEV(h), "GraphicsProcesses"); return procs(DEV(h), "gpid", "gpid_mb", n, p); }
