/*
 * score_bin_core.c: optimal binning by dynamic programming.
 *
 * best[k][i][j] is the most information value of k bins over groups 0..j whose last is
 * i..j and whose event rates keep to the trend. A peak is a rise from the left and one from
 * the right that meet in one bin.
 * Source: Navas-Palencia (2020), Optimal binning: mathematical programming formulation,
 * arXiv:2001.08025, for the problem; the recursion is the textbook one for intervals.
 */
#include "score_bin_core.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "score_stat_core.h"

#define N CRM_BIN_GROUPS
#define K CRM_BIN_MOST
#define AT(table, k, i, j) (table)[((size_t) (k) * N + (i)) * N + (j)]

typedef struct Search
{
	const CrmBinTask *task;
	int			n;
	int			sign;			/* 1 rates rise, -1 fall, 0 as they like */
	bool		mirrored;		/* groups from right to left */
	double		events[N + 1];	/* sums up to a group */
	double		others[N + 1];
	double	   *best;
} Search;

size_t
crm_bin_scratch(void)
{
	return 2 * (size_t) (K + 1) * N * N;
}

static void
search_begin(Search *search, const CrmBinTask *task, int sign, bool mirrored, double *best)
{
	*search = (Search) {.task = task, .n = task->groups, .sign = sign, .mirrored = mirrored, .best = best};
	for (int g = 0; g < task->groups; g++)
	{
		const CrmBinGroup *group = &task->group[mirrored ? task->groups - 1 - g : g];

		search->events[g + 1] = search->events[g] + group->events;
		search->others[g + 1] = search->others[g] + group->others;
	}
}

static double
events_of(const Search *s, int i, int j)
{
	return s->events[j + 1] - s->events[i];
}

static double
others_of(const Search *s, int i, int j)
{
	return s->others[j + 1] - s->others[i];
}

/* What groups i..j give as one bin; minus infinity when they are too few. */
static double
value_of(const Search *s, int i, int j)
{
	double		events = events_of(s, i, j);
	double		others = others_of(s, i, j);

	if (events + others < s->task->least || events + others == 0)
		return -INFINITY;
	return crm_score_iv(events, others, s->task->all_events, s->task->all_others);
}

static bool
keeps_trend(const Search *s, int h, int i, int j)
{
	double		before = events_of(s, h, i - 1) * others_of(s, i, j);
	double		after = events_of(s, i, j) * others_of(s, h, i - 1);

	return s->sign == 0 || (after - before) * s->sign > 0;
}

static void
search_run(Search *s)
{
	for (size_t c = 0; c < (size_t) (K + 1) * N * N; c++)
		s->best[c] = -INFINITY;
	for (int j = 0; j < s->n; j++)
		AT(s->best, 1, 0, j) = value_of(s, 0, j);
	for (int i = 1; i < s->n; i++)
		for (int j = i; j < s->n; j++)
		{
			double		value = value_of(s, i, j);

			if (value == -INFINITY)
				continue;
			for (int h = 0; h < i; h++)
			{
				if (!keeps_trend(s, h, i, j))
					continue;
				for (int k = 2; k <= s->task->bins; k++)
					if (AT(s->best, k - 1, h, i - 1) + value > AT(s->best, k, i, j))
						AT(s->best, k, i, j) = AT(s->best, k - 1, h, i - 1) + value;
			}
		}
}

/* Walks back from a bin; ends[] takes the last group of each of the k bins, the first bin first. */
static void
search_trace(const Search *s, int k, int i, int j, int *ends)
{
	while (k > 1)
	{
		double		before = AT(s->best, k, i, j) - value_of(s, i, j);
		double		nearest = INFINITY;
		int			from = 0;

		ends[k - 1] = j;
		for (int h = 0; h < i; h++)
			if (keeps_trend(s, h, i, j) && fabs(AT(s->best, k - 1, h, i - 1) - before) < nearest)
			{
				nearest = fabs(AT(s->best, k - 1, h, i - 1) - before);
				from = h;
			}
		j = i - 1;
		i = from;
		k--;
	}
	ends[0] = j;
}

/* One direction throughout: the best last bin that ends with the last group. */
static double
straight(const CrmBinTask *task, int sign, double *scratch, int *count, int *last)
{
	Search		s;
	double		best = -INFINITY;
	int			at = 0;

	search_begin(&s, task, sign, false, scratch);
	search_run(&s);
	for (int k = 1; k <= task->bins; k++)
		for (int i = 0; i < s.n; i++)
			if (AT(s.best, k, i, s.n - 1) > best)
			{
				best = AT(s.best, k, i, s.n - 1);
				*count = k;
				at = i;
			}
	if (best > -INFINITY)
		search_trace(&s, *count, at, s.n - 1, last);
	return best;
}

/* Up to a bin and down from it, or the other way round. */
static double
bent(const CrmBinTask *task, int sign, double *scratch, int *count, int *last)
{
	Search		left;
	Search		right;
	double		best = -INFINITY;
	int			at[4] = {0};
	int			ends[K];
	int			n = task->groups;

	search_begin(&left, task, sign, false, scratch);
	search_begin(&right, task, sign, true, scratch + crm_bin_scratch() / 2);
	search_run(&left);
	search_run(&right);
	for (int i = 0; i < n; i++)
		for (int j = i; j < n; j++)
			for (int k = 1; k <= task->bins; k++)
				for (int m = 1; k + m - 1 <= task->bins; m++)
				{
					double		sum = AT(left.best, k, i, j) + AT(right.best, m, n - 1 - j, n - 1 - i);

					if (sum == -INFINITY || sum - value_of(&left, i, j) <= best)
						continue;
					best = sum - value_of(&left, i, j);
					memcpy(at, (int[4]) {i, j, k, m}, sizeof(at));
				}
	if (best == -INFINITY)
		return best;
	search_trace(&left, at[2], at[0], at[1], last);
	search_trace(&right, at[3], n - 1 - at[1], n - 1 - at[0], ends);
	*count = at[2] + at[3] - 1;
	/* From the right: a bin's last group there is its first here. */
	for (int m = at[3] - 2; m >= 0; m--)
		last[at[2] + at[3] - 2 - m] = m == 0 ? n - 1 : n - 2 - ends[m - 1];
	return best;
}

int
crm_bin_optimal(const CrmBinTask *task, double *scratch, int *last)
{
	int			count = 1;
	int			other_count = 1;
	int			other[K];
	double		value = -INFINITY;

	if (task->all_events <= 0 || task->all_others <= 0)
	{
		last[0] = task->groups - 1;
		return 1;
	}
	switch (task->trend)
	{
		case CRM_BIN_AUTO:
			value = straight(task, 1, scratch, &count, last);
			if (straight(task, -1, scratch, &other_count, other) > value)
			{
				memcpy(last, other, sizeof(other));
				count = other_count;
			}
			break;
		case CRM_BIN_ASCENDING:
			value = straight(task, 1, scratch, &count, last);
			break;
		case CRM_BIN_DESCENDING:
			value = straight(task, -1, scratch, &count, last);
			break;
		case CRM_BIN_PEAK:
			value = bent(task, 1, scratch, &count, last);
			break;
		case CRM_BIN_VALLEY:
			value = bent(task, -1, scratch, &count, last);
			break;
		case CRM_BIN_NONE:
			value = straight(task, 0, scratch, &count, last);
			break;
	}
	/* Fewer rows than one bin needs are one bin all the same. */
	if (value == -INFINITY)
	{
		count = 1;
		last[0] = task->groups - 1;
	}
	return count;
}

int
crm_bin_trend(const char *name)
{
	static const char *const names[] = {"auto", "ascending", "descending", "peak", "valley", "none"};

	for (int t = 0; t < (int) (sizeof(names) / sizeof(names[0])); t++)
		if (strcmp(name, names[t]) == 0)
			return t;
	return -1;
}
