/* positions.c - sinusoidal positions (Vaswani et al. 2017, section 3.5): even channels sin(t r), odd ones cos(t r),
 * r = 10000^(-i / d) for channel pair (i, i + 1)
 *
 * In double precision and with this project's own sine and exponential, so that every build has the same bits. */
#include "run.h"

/* exp(x) for x <= 0: halved ten times, Taylor's series to degree 12, squared ten times. Relative error below 1e-12. */
static double exponential(double x) {
  const double small = x / 1024.0;
  double y = 1.0;
  for (int degree = 12; degree > 0; degree--) y = 1.0 + y * small / (double)degree;
  for (int i = 0; i < 10; i++) y = y * y;
  return y;
}

/* sin and cos of 0 <= angle <= 2^20. The nearest multiple of pi / 2 is taken off in two parts, the first of which has
 * 33 bits, so that its product with a whole number below 2^20 is exact; then Taylor's series to degree 17 on
 * |r| <= pi / 4. Absolute error below 1e-14. */
static void sine_cosine(double angle, double *sine, double *cosine) {
  const double quarter = angle * 0.63661977236758134308;
  const int32_t turns = (int32_t)(quarter + 0.5);
  double r = angle - (double)turns * 1.57079632673412561417e+00;
  r = r - (double)turns * 6.07710050650619224932e-11;
  const double square = r * r;
  double s = 1.0;
  double c = 1.0;
  for (int degree = 16; degree > 0; degree -= 2) {
    s = 1.0 - s * square / (double)(degree * (degree + 1));
    c = 1.0 - c * square / (double)(degree * (degree - 1));
  }
  s = s * r;
  switch (turns % 4) {
    case 0: *sine = s, *cosine = c; break;
    case 1: *sine = c, *cosine = -s; break;
    case 2: *sine = -s, *cosine = -c; break;
    default: *sine = -c, *cosine = s; break;
  }
}

void lf_sinusoidal_rows(lf_rows out, int32_t first, int32_t rows, int32_t d) {
  const double ln_10000 = 9.21034037197618273607;
  for (int32_t i = 0; i < d; i += 2) {
    const double rate = exponential(-ln_10000 * (double)i / (double)d);
    double s;
    double c;
    double step_s;
    double step_c;
    sine_cosine((double)first * rate, &s, &c);
    sine_cosine(rate, &step_s, &step_c);
    for (int32_t t = 0; t < rows; t++) { /* the next row is this one turned by `rate` */
      float *pair = out.data + (size_t)t * out.ld + i;
      pair[0] = (float)s;
      if (i + 1 < d) pair[1] = (float)c;
      const double turned = s * step_c + c * step_s;
      c = c * step_c - s * step_s;
      s = turned;
    }
  }
}
