/*
 * score_special_core.c: digamma, trigamma, rising factorials, Gauss's hypergeometric series.
 *
 * Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 6.3, 6.4 and 15.1.
 */
#include "score_special_core.h"

#include <math.h>

/* From here the asymptotic series is exact to the last digits. */
#define CRM_ASYMPTOTIC 10.0

double
crm_lgamma(double x)
{
	int			sign;

	/* lgamma() would write a global. */
	return lgamma_r(x, &sign);
}

double
crm_digamma(double x)
{
	double		shift = 0;
	double		y;

	for (; x < CRM_ASYMPTOTIC; x++)
		shift -= 1 / x;
	y = 1 / (x * x);
	return shift + log(x) - 0.5 / x
		- y * (1.0 / 12 - y * (1.0 / 120 - y * (1.0 / 252 - y * (1.0 / 240 - y * (1.0 / 132 - y * 691.0 / 32760)))));
}

double
crm_trigamma(double x)
{
	double		shift = 0;
	double		y;

	for (; x < CRM_ASYMPTOTIC; x++)
		shift += 1 / (x * x);
	y = 1 / (x * x);
	return shift + 1 / x + y / 2
		+ y / x * (1.0 / 6 - y * (1.0 / 30 - y * (1.0 / 42 - y * (1.0 / 30 - y * (5.0 / 66 - y * 691.0 / 2730)))));
}

CrmRising
crm_rising(double z, double n)
{
	CrmRising	rising = {0, 0, 0};

	if (n > 256)
	{
		rising.log = crm_lgamma(z + n) - crm_lgamma(z);
		rising.first = crm_digamma(z + n) - crm_digamma(z);
		rising.second = crm_trigamma(z + n) - crm_trigamma(z);
		return rising;
	}
	for (int i = 0; i < (int) n; i++)
	{
		double		inverse = 1 / (z + i);

		rising.log += log(z + i);
		rising.first += inverse;
		rising.second -= inverse * inverse;
	}
	return rising;
}

double
crm_hypergeometric_slope(double a, double e, double c, double z)
{
	double		term = a * z;
	double		sum = term;

	for (int n = 1; n < 2000000; n++)
	{
		term *= (a + n) * (e + n) / ((c + n) * (n + 1)) * z;
		sum += term;
		/* Beyond the turning point the terms fall like z^n. */
		if (fabs(term) <= 1e-17 * (1 - z) * fabs(sum))
			break;
	}
	return sum;
}
