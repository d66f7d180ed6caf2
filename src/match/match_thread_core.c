/*
 * match_thread_core.c: tasks over threads.
 *
 * Workers have every signal blocked, so that a host's handlers run in its own
 * thread alone; they compute and call nothing of the host.
 */
#include "match_inside_core.h"

#include <pthread.h>
#include <signal.h>

#define THREAD_MAX 64

typedef struct Crew
{
	CrmMatchEngine *engine;
	CrmMatchWork work;
	void	   *state;
	size_t		tasks;
	size_t		next;
	bool		stop;			/* canceled, or a task gave up */
} Crew;

typedef struct Hand
{
	Crew	   *crew;
	int			thread;
} Hand;

int
crm_match_threads(const CrmMatchEngine *engine)
{
	int			threads = engine->host.threads;

	return threads < 1 ? 1 : threads > THREAD_MAX ? THREAD_MAX : threads;
}

static void *
labour(void *argument)
{
	const Hand *hand = argument;
	Crew	   *crew = hand->crew;
	size_t		task;

	while (!__atomic_load_n(&crew->stop, __ATOMIC_RELAXED) &&
		   (task = __atomic_fetch_add(&crew->next, 1, __ATOMIC_RELAXED)) < crew->tasks)
		if (!crew->work(crew->state, hand->thread, task))
			__atomic_store_n(&crew->stop, true, __ATOMIC_RELAXED);
	return NULL;
}

/* The caller's share: the same, with an eye on the host. */
static bool
lead(Crew *crew, const char *phase)
{
	size_t		task;

	while (!__atomic_load_n(&crew->stop, __ATOMIC_RELAXED) &&
		   (task = __atomic_fetch_add(&crew->next, 1, __ATOMIC_RELAXED)) < crew->tasks)
	{
		if (!crew->work(crew->state, 0, task))
			__atomic_store_n(&crew->stop, true, __ATOMIC_RELAXED);
		crm_match_tell(crew->engine, phase, task + 1, crew->tasks);
		if (crm_match_stop(crew->engine))
		{
			__atomic_store_n(&crew->stop, true, __ATOMIC_RELAXED);
			return false;
		}
	}
	return true;
}

CrmMatchCode
crm_match_parallel(CrmMatchEngine *engine, const char *phase, size_t tasks, CrmMatchWork work, void *state,
				   CrmMatchFault *fault)
{
	Crew		crew = {engine, work, state, tasks, 0, false};
	Hand		hand[THREAD_MAX];
	pthread_t	thread[THREAD_MAX];
	int			threads = crm_match_threads(engine);
	int			started = 1;
	sigset_t	all;
	sigset_t	before;
	bool		done;

	if (crm_match_stop(engine))
		return crm_match_fail(fault, CRM_MATCH_CANCELED, phase);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (; started < threads && (size_t) started < tasks; started++)
	{
		hand[started].crew = &crew;
		hand[started].thread = started;
		if (pthread_create(&thread[started], NULL, labour, &hand[started]) != 0)
			break;				/* fewer hands do the same work */
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	done = lead(&crew, phase);
	for (int i = 1; i < started; i++)
		pthread_join(thread[i], NULL);
	if (!done)
		return crm_match_fail(fault, CRM_MATCH_CANCELED, phase);
	return crew.stop ? crm_match_fail(fault, CRM_MATCH_NO_MEMORY, phase) : CRM_MATCH_OK;
}
