/* SPDX-License-Identifier: Apache-2.0 */
/* Ways that let another process or thread do it, or one of another name. */
#include "verify/actor/actor.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* What becomes of a process that does the act and ends. */
int awaited(pid_t child)
{
	int status = 0;

	while (waitpid(child, &status, __WALL) < 0)
		if (errno != EINTR)
			impossible("waitpid");
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGKILL ? ACTOR_REFUSED : ACTOR_IMPOSSIBLE;
	return WEXITSTATUS(status);
}

int with_other_name(const struct spec *s)
{
	if (prctl(PR_SET_NAME, "tercel-other", 0, 0, 0))
		impossible("prctl");
	return plain(s);
}

static void *act_of_thread(void *arg)
{
	_exit(plain(arg));
}

int in_thread(const struct spec *s)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, act_of_thread, (void *)s))
		impossible("thread");
	(void)pthread_join(thread, NULL);
	return ACTOR_IMPOSSIBLE;
}

static int act_of_child(void *arg)
{
	_exit(plain(arg));
}

/* As vfork() does it, with a stack of the child's own. */
int by_vfork(const struct spec *s)
{
	static char stack[1 << 20] __attribute__((aligned(16)));
	const pid_t child = clone(act_of_child, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)s);

	if (child < 0)
		impossible("vfork");
	return awaited(child);
}
