/*
 * score_bgnbd_core.c: the BG/NBD model of repeat purchases and the gamma-gamma model of
 * their value: likelihoods with first and second derivatives, and what follows from a fit.
 *
 * Sources: Fader, Hardie and Lee (2005), "Counting Your Customers" the Easy Way, Marketing
 * Science 24(2), equations 6, 7 and 10; Fader and Hardie (2013), The Gamma-Gamma Model of
 * Monetary Value; Fader and Hardie (2008), Computing P(alive) Using the BG/NBD Model.
 */
#include "score_bgnbd_core.h"

#include <math.h>
#include <string.h>

#include "score_special_core.h"

int
crm_history_order(const void *a, const void *b)
{
	const CrmHistory *p = a;
	const CrmHistory *q = b;

	if (p->x != q->x)
		return p->x < q->x ? -1 : 1;
	if (p->t != q->t)
		return p->t < q->t ? -1 : 1;
	return p->t_x < q->t_x ? -1 : p->t_x > q->t_x;
}

/* The first history after i with another x; what depends on x alone is computed once. */
static size_t
run_end(const CrmHistories *data, size_t i)
{
	size_t		end = i;

	while (end < data->count && data->history[end].x == data->history[i].x)
		end++;
	if (data->interrupt)
		data->interrupt();
	return end;
}

/* Every manieth customer shows where to begin with all of them: half of the passes are saved. */
#define CRM_SAMPLE_STEP 32
#define CRM_SAMPLE_LEAST 20000

static bool
maximize_from_sample(CrmObjective objective, const CrmHistories *data, int n, CrmMaximum *maximum)
{
	CrmHistories sample = *data;
	CrmMaximum	start = *maximum;

	sample.step = CRM_SAMPLE_STEP;
	if (data->count >= CRM_SAMPLE_LEAST && crm_maximize(objective, &sample, n, &start))
		*maximum = start;
	return crm_maximize(objective, data, n, maximum);
}

/* Derivatives by the logarithms of the parameters, from those by the parameters. */
static void
to_logarithms(int n, const double *parameter, double *gradient, double *hessian)
{
	for (int i = 0; i < n; i++)
	{
		gradient[i] *= parameter[i];
		for (int k = 0; k < i; k++)
			hessian[k * n + i] = hessian[i * n + k] *= parameter[i] * parameter[k];
		hessian[i * n + i] = hessian[i * n + i] * parameter[i] * parameter[i] + gradient[i];
	}
}

/* -- BG/NBD ------------------------------------------------------------------------------ */

/* Sums over the customers of one x; s is the chance of having left, d and e are below. */
typedef struct BgnbdSums
{
	double		weight, log_t, inverse_t, square_t;
	double		log_more, s, sd, se, sf, v, vd, ve, vdd, vde, vee;
} BgnbdSums;

/*
 * For x > 0 the likelihood has the factor 1 + u, with
 * ln u = ln a - ln(b + x - 1) + (r + x) d and d = ln(alpha + t) - ln(alpha + t_x).
 */
static BgnbdSums
bgnbd_sums(const CrmHistory *h, const CrmHistory *end, size_t step, CrmBgnbd m)
{
	BgnbdSums	sum = {0};
	double		power = m.r + h->x;
	double		base = h->x > 0 ? log(m.a) - log(m.b + h->x - 1) : 0;

	for (; h < end; h += step)
	{
		double		w = h->weight;
		double		it = 1 / (m.alpha + h->t);
		double		ix;
		double		d;
		double		e;
		double		lu;
		double		exponential;
		double		s;
		double		v;
		double		log_t = log(m.alpha + h->t);

		sum.weight += w;
		sum.log_t += w * log_t;
		sum.inverse_t += w * it;
		sum.square_t += w * it * it;
		if (h->x == 0)
			continue;
		ix = 1 / (m.alpha + h->t_x);
		d = log_t - log(m.alpha + h->t_x);
		e = it - ix;
		lu = base + power * d;
		/* u itself may overflow. */
		exponential = exp(-fabs(lu));
		s = (lu > 0 ? 1 : exponential) / (1 + exponential);
		sum.log_more += w * (fmax(lu, 0) + log1p(exponential));
		v = w * exponential / ((1 + exponential) * (1 + exponential));
		s *= w;
		sum.s += s;
		sum.sd += s * d;
		sum.se += s * e;
		sum.sf += s * (ix * ix - it * it);
		sum.v += v;
		sum.vd += v * d;
		sum.ve += v * e;
		sum.vdd += v * d * d;
		sum.vde += v * d * e;
		sum.vee += v * e * e;
	}
	return sum;
}

/* Adds the customers of one x; order of parameters r, alpha, a, b; lower half of the matrix. */
static double
bgnbd_run(const BgnbdSums *s, double x, CrmBgnbd m, double *g, double *h)
{
	double		power = m.r + x;
	double		w = s->weight;
	double		ib = x > 0 ? 1 / (m.b + x - 1) : 0;
	double		ia = 1 / m.a;
	CrmRising	r = crm_rising(m.r, x);
	CrmRising	b = crm_rising(m.b, x);
	CrmRising	ab = crm_rising(m.a + m.b, x);

	g[0] += w * (r.first + log(m.alpha)) - s->log_t + s->sd;
	g[1] += w * m.r / m.alpha - power * s->inverse_t + power * s->se;
	g[2] += -w * ab.first + s->s * ia;
	g[3] += w * (b.first - ab.first) - s->s * ib;
	h[0] += w * r.second + s->vdd;
	h[4] += w / m.alpha - s->inverse_t + s->se + power * s->vde;
	h[5] += -w * m.r / (m.alpha * m.alpha) + power * s->square_t + power * s->sf + power * power * s->vee;
	h[8] += s->vd * ia;
	h[9] += power * s->ve * ia;
	h[10] += -w * ab.second + (s->v - s->s) * ia * ia;
	h[12] -= s->vd * ib;
	h[13] -= power * s->ve * ib;
	h[14] += -w * ab.second - s->v * ia * ib;
	h[15] += w * (b.second - ab.second) + (s->v + s->s) * ib * ib;
	return w * (r.log + m.r * log(m.alpha) + b.log - ab.log) - power * s->log_t + s->log_more;
}

static double
bgnbd_objective(const void *data, const double *theta, double *gradient, double *hessian)
{
	const CrmHistories *all = data;
	double		parameter[4];
	CrmBgnbd	m;
	double		value = 0;

	for (int i = 0; i < 4; i++)
		parameter[i] = exp(theta[i]);
	m = (CrmBgnbd) {parameter[0], parameter[1], parameter[2], parameter[3]};
	memset(gradient, 0, sizeof(double) * 4);
	memset(hessian, 0, sizeof(double) * 16);
	for (size_t i = 0; i < all->count;)
	{
		size_t		end = run_end(all, i);
		BgnbdSums	sums = bgnbd_sums(all->history + i, all->history + end, all->step, m);

		value += bgnbd_run(&sums, all->history[i].x, m, gradient, hessian);
		i = end;
	}
	to_logarithms(4, parameter, gradient, hessian);
	return value;
}

bool
crm_bgnbd_fit(const CrmHistories *data, CrmMaximum *maximum)
{
	double		weight = 0;
	double		t = 0;

	for (size_t i = 0; i < data->count; i++)
	{
		weight += data->history[i].weight;
		t += data->history[i].weight * data->history[i].t;
	}
	/* The unit of time is the caller's: begin where alpha is of its order. */
	memset(maximum->theta, 0, sizeof(maximum->theta));
	maximum->theta[1] = log(t / weight / 4);
	return maximize_from_sample(bgnbd_objective, data, 4, maximum);
}

double
crm_bgnbd_p_alive(CrmBgnbd m, double x, double t_x, double t)
{
	double		lu;

	if (x == 0)
		return 1;
	lu = log(m.a) - log(m.b + x - 1) + (m.r + x) * (log(m.alpha + t) - log(m.alpha + t_x));
	return lu > 0 ? exp(-lu) / (1 + exp(-lu)) : 1 / (1 + exp(lu));
}

/*
 * Equation 10, after Euler's transformation of its hypergeometric function, and with
 * a - 1 divided out: nothing overflows for many purchases, and a = 1 is no exception.
 */
double
crm_bgnbd_expected(CrmBgnbd m, double x, double t_x, double t, double horizon)
{
	double		c = m.a + m.b + x - 1;
	double		e = m.a - 1;
	double		z = horizon / (m.alpha + t + horizon);
	double		rest = log1p(-z);
	double		left;

	if (horizon <= 0)
		return 0;
	left = c * (e == 0 ? -rest : -expm1(e * rest) / e)
		- exp(e * rest) * crm_hypergeometric_slope(c - m.r - x, e, c, z);
	return left * crm_bgnbd_p_alive(m, x, t_x, t);
}

/* -- gamma-gamma --------------------------------------------------------------------------- */

static double
gamma_gamma_objective(const void *data, const double *theta, double *g, double *h)
{
	const CrmHistories *all = data;
	double		parameter[3] = {exp(theta[0]), exp(theta[1]), exp(theta[2])};
	double		p = parameter[0];
	double		q = parameter[1];
	double		v = parameter[2];
	double		value = 0;

	memset(g, 0, sizeof(double) * 3);
	memset(h, 0, sizeof(double) * 9);
	for (size_t i = 0; i < all->count;)
	{
		size_t		end = run_end(all, i);
		double		x = all->history[i].x;
		double		power = p * x + q;
		double		w = 0;
		double		log_sum = 0;
		double		log_mean = 0;
		double		inverse = 0;
		double		square = 0;
		double		first = crm_digamma(power);
		double		second = crm_trigamma(power);

		for (; i < end; i += all->step)
		{
			double		mean = all->history[i].t_x;
			double		is = 1 / (x * mean + v);

			w += all->history[i].weight;
			log_sum -= all->history[i].weight * log(is);
			log_mean += all->history[i].weight * log(mean);
			inverse += all->history[i].weight * is;
			square += all->history[i].weight * is * is;
		}
		i = end;
		value += w * (crm_lgamma(power) - crm_lgamma(p * x) - crm_lgamma(q) + q * log(v) + p * x * log(x))
			+ (p * x - 1) * log_mean - power * log_sum;
		g[0] += x * (w * (first - crm_digamma(p * x) + log(x)) + log_mean - log_sum);
		g[1] += w * (first - crm_digamma(q) + log(v)) - log_sum;
		g[2] += w * q / v - power * inverse;
		h[0] += w * x * x * (second - crm_trigamma(p * x));
		h[3] += w * x * second;
		h[4] += w * (second - crm_trigamma(q));
		h[6] -= x * inverse;
		h[7] += w / v - inverse;
		h[8] += -w * q / (v * v) + power * square;
	}
	to_logarithms(3, parameter, g, h);
	return value;
}

bool
crm_gamma_gamma_fit(const CrmHistories *data, CrmMaximum *maximum)
{
	double		weight = 0;
	double		value = 0;

	for (size_t i = 0; i < data->count; i++)
	{
		weight += data->history[i].weight;
		value += data->history[i].weight * log(data->history[i].t_x);
	}
	memset(maximum->theta, 0, sizeof(maximum->theta));
	maximum->theta[0] = log(2);
	maximum->theta[1] = log(3);
	/* The unit of money is the caller's; the geometric mean is safe from one large value. */
	maximum->theta[2] = value / weight;
	return maximize_from_sample(gamma_gamma_objective, data, 3, maximum);
}

double
crm_gamma_gamma_expected(CrmGammaGamma m, double x, double mean_value)
{
	double		left = m.p * x + m.q - 1;

	return left > 0 ? m.p * (m.v + x * mean_value) / left : INFINITY;
}
