/* Asynchronous SGD on a diagonal quadratic with Gaussian noise: how fast this machine can do it.

   schedule()   who arrives when (event simulation), stepsizes and output weights, before any gradient exists;
   trajectory() replays it with gradients in flight, and streams the weighted average.

   Plain C11; the compiler vectorises the marked loops (cc -O3 -march=native -ffp-contract=fast -fno-math-errno). */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN 0x9E3779B97F4A7C15u
#define SIGN 0x8000000000000000u
#define ONE 0x3FF0000000000000u       /* bits of 1.0 */
#define SQRT_HALF 0x3FE6A09E667F3BCDu /* bits of sqrt(1/2) */
#define BLOCK 2048                    /* coordinates worked on at a time: 16 KiB of each vector */
#define FUSED 64                      /* from this many coordinates, make the noise inside the update loop */

static inline double float_of(uint64_t b) { double d; memcpy(&d, &b, 8); return d; }
static inline uint64_t bits_of(double d) { uint64_t b; memcpy(&b, &d, 8); return b; }

/* ---- random numbers: SplitMix64 of a counter, branch-free ------------------------------------------------ */

static inline uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* -log of a uniform in (0, 1) made of 52 bits. With mantissa m in [sqrt(1/2), sqrt(2)), s = (m - 1)/(m + 1),
   log m = 2 atanh s; the polynomial in s^2 is a Chebyshev fit with relative error 5e-18. */
static inline double exponential(uint64_t word) {
    double u = float_of((word >> 12) | ONE) - 0.9999999999999999;
    uint64_t b = bits_of(u) - SQRT_HALF;
    double e = (double)((int64_t)b >> 52), m = float_of((b & 0x000FFFFFFFFFFFFFu) + SQRT_HALF);
    double s = (m - 1.0) / (m + 1.0), w = s * s, p = 0.07308224842521703;
    p = p * w + 0.07665860800278021;
    p = p * w + 0.09091444562630861;
    p = p * w + 0.1111110556739754;
    p = p * w + 0.14285714312987743;
    p = p * w + 0.19999999999949752;
    p = p * w + 0.3333333333333335;
    return -(e * 0.6931471805599453 + 2.0 * s * (1.0 + w * p));
}

/* Two independent normals of standard deviation `scale` from words `c` and `c + GOLDEN` (Box-Muller). The angle is
   pi/4 + t with |t| < pi/4, cos(pi/4 + t) = (cos t - sin t)/sqrt(2) and so on; two spare bits give the quadrant.
   Chebyshev fits of sin and cos with absolute errors below 1e-17. */
static inline void normals(uint64_t c, double scale, double *first, double *second) {
    uint64_t radius = mix(c), word = mix(c + GOLDEN);
    double r = scale * sqrt(exponential(radius));
    double t = (float_of((word >> 12) | ONE) - 1.5) * 1.5707963267948966, w = t * t;
    double sine = 1.5918129294866608e-10, cosine = -1.1382632425521717e-11;
    sine = sine * w - 2.5051131845003624e-08;
    sine = sine * w + 2.755731610255244e-06;
    sine = sine * w - 0.00019841269836758574;
    sine = sine * w + 0.008333333333330948;
    sine = sine * w - 0.16666666666666666;
    sine = t + t * w * sine;
    cosine = cosine * w + 2.08761462684032e-09;
    cosine = cosine * w - 2.7557317271729793e-07;
    cosine = cosine * w + 2.480158729876569e-05;
    cosine = cosine * w - 0.0013888888888887398;
    cosine = cosine * w + 0.041666666666666664;
    cosine = cosine * w - 0.5;
    cosine = cosine * w + 1.0;
    *first = float_of(bits_of(r * (cosine - sine)) ^ (word << 63));
    *second = float_of(bits_of(r * (cosine + sine)) ^ ((word << 62) & SIGN));
}

/* out[0 .. 2 pairs): normals of the stream `key` from counter `at`. */
void fill_normals(uint64_t key, uint64_t at, long pairs, double scale, double *restrict out) {
    double *restrict other = out + pairs;
    uint64_t c = key + at * GOLDEN;
    for (long j = 0; j < pairs; j++, c += 2 * GOLDEN) normals(c, scale, out + j, other + j); /* vectorised */
}

static void fill_exponentials(uint64_t key, uint64_t at, long n, double *restrict out) {
    uint64_t c = key + at * GOLDEN;
    for (long j = 0; j < n; j++, c += GOLDEN) out[j] = exponential(mix(c)); /* vectorised */
}

/* ---- schedule -------------------------------------------------------------------------------------------- */

typedef struct { uint64_t time, worker; } Event; /* bits of a positive double order as integers */

/* Next arrival by a winner tree: leaf n + m holds worker m, an inner node the earlier of its children, the left
   one (smaller worker) on ties: the order of a heap on (time, worker), at a third less than a heap because no
   branch depends on the times and the siblings on the way up are known before the new time is. */
static inline void replay_matches(Event *tree, long leaf, Event e) {
    for (tree[leaf] = e; leaf > 1; tree[leaf /= 2] = e) {
        Event other = tree[leaf ^ 1];
        uint64_t take = -(uint64_t)(other.time < e.time + (leaf & 1));
        e.time ^= (e.time ^ other.time) & take;
        e.worker ^= (e.worker ^ other.worker) & take;
    }
}

/* Write who, gamma, weight of M + K entries: first the M hand-outs at x_0 (steps of length 0), then steps 1..K.
   gamma(tau) = min(adaptive / tau, cap); weight of x_k = the stepsize its gradient gets, at step K + 1 if it is
   still in flight. Returns 0, or 1 without memory. */
int schedule(long M, long K, const double *mean, int exponential_times, uint64_t key, double adaptive, double cap, int32_t *who,
             double *gamma, double *weight) {
    long n = 1;
    while (n < M) n *= 2;
    Event *tree = malloc(2 * n * sizeof *tree);
    double *table = malloc((K + 2) * sizeof *table);
    int64_t *taken_at = calloc(M, sizeof *taken_at); /* version of each worker's gradient in flight */
    double draw[256];
    uint64_t used = 0;
    if (!tree || !table || !taken_at) { free(tree), free(table), free(taken_at); return 1; }
    for (long i = 0; i < 256; i++) draw[i] = 1.0;
#define DURATION(m) (mean[m] * (exponential_times && used % 256 == 0 ? fill_exponentials(key, used, 256, draw) : (void)0, \
                                draw[used++ % 256]))
    for (long tau = 1; tau <= K + 1; tau++) table[tau] = fmin(adaptive / tau, cap);
    for (long m = 0; m < n; m++) tree[n + m] = (Event){bits_of(m < M ? DURATION(m) : INFINITY), m};
    for (long i = n - 1; i > 0; i--) tree[i] = tree[2 * i + (tree[2 * i + 1].time < tree[2 * i].time)];
    for (long m = 0; m < M; m++) who[m] = m, gamma[m] = weight[m] = 0.0;
    who += M, gamma += M - 1, weight += M - 1; /* gamma[k], weight[k] belong to step k = 1..K */
    for (long k = 1; k <= K; k++) {
        long m = tree[1].worker, stamp = taken_at[m];
        *who++ = m;
        gamma[k] = table[k - stamp];
        if (stamp > 0) weight[stamp] = gamma[k];
        taken_at[m] = k;
        replay_matches(tree, n + m, (Event){bits_of(float_of(tree[1].time) + DURATION(m)), m});
    }
    for (long m = 0; m < M; m++)
        if (taken_at[m] > 0) weight[taken_at[m]] = table[K + 1 - taken_at[m]];
    free(tree), free(table), free(taken_at);
    return 0;
}

/* ---- trajectory ------------------------------------------------------------------------------------------ */

typedef struct { double *x, *average, *flight; const double *a; } State; /* each D padded; flight M rows of it */

/* One step on n coordinates: x moves by the gradient that arrives, the average grows, a new gradient leaves.
   Here and below, n / 8 * 8 tells the compiler that no coordinates are left over after whole vectors. */
static inline void step(long n, double g, double w, const double *restrict z, const double *restrict a,
                        double *restrict x, double *restrict average, double *restrict flight) {
    for (long j = 0; j < n / 8 * 8; j++) { /* vectorised */
        double y = x[j] - g * flight[j];
        x[j] = y;
        average[j] += w * y;
        flight[j] = a[j] * y + z[j];
    }
}

/* The same on 2 h coordinates with the noise made in the loop, where it hides the memory traffic. */
static void fused_step(long h, double g, double w, uint64_t c, double scale, const double *restrict a,
                       double *restrict x, double *restrict average, double *restrict flight) {
    for (long j = 0; j < h / 8 * 8; j++, c += 2 * GOLDEN) { /* vectorised */
        double z, other, y = x[j] - g * flight[j], v = x[h + j] - g * flight[h + j];
        normals(c, scale, &z, &other);
        x[j] = y;
        x[h + j] = v;
        average[j] += w * y;
        average[h + j] += w * v;
        flight[j] = a[j] * y + z;
        flight[h + j] = a[h + j] * v + other;
    }
}

/* Steps for V * 8 coordinates or fewer, which stay in registers. */
typedef double Lanes __attribute__((vector_size(64), aligned(8), may_alias));
static inline __attribute__((always_inline)) void few(const int V, long D, long steps, const int32_t *who,
                                                      const double *gamma, const double *weight, const double *z,
                                                      State s) {
    Lanes x[2], average[2], a[2];
    memcpy(x, s.x, V * 64), memcpy(average, s.average, V * 64), memcpy(a, s.a, V * 64);
    for (long k = 0; k < steps; k++) {
        Lanes *flight = (Lanes *)(s.flight + who[k] * V * 8);
        for (int v = 0; v < V; v++) {
            x[v] -= gamma[k] * flight[v];
            average[v] += weight[k] * x[v];
            flight[v] = a[v] * x[v] + ((const Lanes *)(z + k * D))[v];
        }
    }
    memcpy(s.x, x, V * 64), memcpy(s.average, average, V * 64);
}

static void one(long steps, const int32_t *who, const double *gamma, const double *weight, const double *z, State s) {
    double x = *s.x, average = *s.average, a = *s.a;
    for (long k = 0; k < steps; k++) {
        x -= gamma[k] * s.flight[who[k]];
        average += weight[k] * x;
        s.flight[who[k]] = a * x + z[k];
    }
    *s.x = x, *s.average = average;
}

/* Coordinates padded to whole vectors; the padding wanders on noise nobody reads. */
long padded(long D) { return D == 1 ? 1 : D < FUSED ? (D + 7) / 8 * 8 : (D + 15) / 16 * 16; }

/* Replay N = M + K hand-outs. x (in: start, out: x_K), average (out: sum of weight_k x_k) and a have padded(D)
   entries, flight M times as many. `scale` is the noise's standard deviation per coordinate. With fused = 0 noise
   is always made before the update loop, as an engine must whose noise is a part of its own. */
void trajectory(long D, long M, long N, const int32_t *who, const double *gamma, const double *weight, double scale,
                uint64_t key, int fused, const double *a, double *x, double *average, double *flight) {
    long P = padded(D), rows = D <= BLOCK ? BLOCK / D : 1;
    State s = {x, average, flight, a};
    _Alignas(64) double z[BLOCK + 32];
    memset(z + BLOCK, 0, 32 * sizeof *z);
    memset(average, 0, P * sizeof *average);
    memset(flight, 0, M * P * sizeof *flight);
    if ((fused && D >= FUSED) || D > BLOCK) {
        for (long k = 0; k < N; k++)
            for (long j = 0; j < P; j += BLOCK) {
                long n = P - j < BLOCK ? P - j : BLOCK, at = who[k] * P + j;
                uint64_t counter = k * P + j;
                if (fused) {
                    counter = key + counter * GOLDEN;
                    fused_step(n / 2, gamma[k], weight[k], counter, scale, a + j, x + j, average + j, flight + at);
                } else {
                    fill_normals(key, counter, n / 2, scale, z);
                    step(n, gamma[k], weight[k], z, a + j, x + j, average + j, flight + at);
                }
            }
        return;
    }
    for (long k = 0; k < N; k += rows) {
        long pairs = (rows * D + 15) / 16 * 8, steps = N - k < rows ? N - k : rows;
        fill_normals(key, k / rows * 2 * pairs, pairs, scale, z);
        if (D == 1) one(steps, who + k, gamma + k, weight + k, z, s);
        else if (P == 8) few(1, D, steps, who + k, gamma + k, weight + k, z, s);
        else if (P == 16) few(2, D, steps, who + k, gamma + k, weight + k, z, s);
        else
            for (long i = k; i < k + steps; i++)
                step(P, gamma[i], weight[i], z + (i - k) * D, a, x, average, flight + who[i] * P);
    }
}
