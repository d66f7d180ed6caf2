/*
 * score_stat_core.c: AUC, Kolmogorov-Smirnov, weight of evidence, information value, PSI.
 *
 * Sources: Hanley and McNeil (1982), Radiology 143 (AUC as a rank sum); Siddiqi, Credit Risk
 * Scorecards (2006), chapters 6 and 8 (WoE, IV, PSI); Kullback (1959) for the divergence
 * that IV and PSI are.
 */
#include "score_stat_core.h"

#include <math.h>
#include <string.h>

#define SIGN (UINT64_C(1) << 63)

uint64_t
crm_score_key(double value)
{
	uint64_t	bits;

	if (value == 0)
		value = 0;
	memcpy(&bits, &value, sizeof(bits));
	return bits & SIGN ? ~bits : bits | SIGN;
}

double
crm_score_value(uint64_t key)
{
	uint64_t	bits = key & SIGN ? key & ~SIGN : ~key;
	double		value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* Radix sort, 11 bits at a time; a digit that all share is passed over. */
void
crm_score_sort(uint64_t *keys, uint64_t *spare, size_t n)
{
	uint64_t   *from = keys;
	uint64_t   *to = spare;

	for (int shift = 0; shift < 64; shift += 11)
	{
		size_t		start[2048] = {0};
		size_t		sum = 0;
		uint64_t   *swap = from;

		for (size_t i = 0; i < n; i++)
			start[from[i] >> shift & 2047]++;
		if (n == 0 || start[from[0] >> shift & 2047] == n)
			continue;
		for (int d = 0; d < 2048; d++)
		{
			size_t		count = start[d];

			start[d] = sum;
			sum += count;
		}
		for (size_t i = 0; i < n; i++)
			to[start[from[i] >> shift & 2047]++] = from[i];
		from = to;
		to = swap;
	}
	if (from != keys)
		memcpy(keys, from, n * sizeof(*keys));
}

static size_t
run_of(const uint64_t *keys, size_t i, size_t n, uint64_t key)
{
	size_t		end = i;

	while (end < n && keys[end] == key)
		end++;
	return end - i;
}

double
crm_score_auc(const uint64_t *events, size_t m, const uint64_t *others, size_t n)
{
	uint64_t	twice = 0;
	size_t		below = 0;

	/* In whole numbers, so that no order of adding changes a digit. */
	for (size_t i = 0; i < m;)
	{
		size_t		same = run_of(events, i, m, events[i]);
		size_t		ties;

		while (below < n && others[below] < events[i])
			below++;
		ties = run_of(others, below, n, events[i]);
		twice += (uint64_t) same * (2 * below + ties);
		i += same;
	}
	return (double) twice / (2.0 * (double) m * (double) n);
}

double
crm_score_ks(const uint64_t *events, size_t m, const uint64_t *others, size_t n)
{
	double		largest = 0;
	size_t		i = 0;
	size_t		j = 0;

	while (i < m && j < n)
	{
		uint64_t	key = events[i] < others[j] ? events[i] : others[j];

		i += run_of(events, i, m, key);
		j += run_of(others, j, n, key);
		largest = fmax(largest, fabs((double) i / (double) m - (double) j / (double) n));
	}
	return largest;
}

double
crm_score_woe(double events, double others, double all_events, double all_others)
{
	if (events + others == 0)
		return 0;
	if (events == 0 || others == 0)
	{
		events += 0.5;
		others += 0.5;
	}
	return log((events / all_events) / (others / all_others));
}

double
crm_score_iv(double events, double others, double all_events, double all_others)
{
	return (events / all_events - others / all_others) * crm_score_woe(events, others, all_events, all_others);
}

double
crm_score_psi(double expected, double actual)
{
	expected = fmax(expected, 1e-4);
	actual = fmax(actual, 1e-4);
	return (actual - expected) * log(actual / expected);
}
