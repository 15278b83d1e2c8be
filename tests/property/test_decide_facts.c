/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What decisions know of a process, its user, its container and its peer, on the running kernel: each rule blocks the
 * act that it describes, and leaves a near miss alone. Containers are Docker's, by files made for the test.
 */
#include "decide.h"

#include <net/if.h>
#include <sys/ioctl.h>

#include "identity/docker.h"
#include "identity/facts.h"
#include "identity/users.h"

#define GENERATION 7
#define AUDIT POLICY("enforce", "audit")
#define OTHER "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char docker[PATH_MAX], other[PATH_MAX + 128];

/* ---- facts of the process ------------------------------------------------------------------------------------------
 */

/* How a program is started: argv[0] and the others, and one variable. */
struct start {
	const char *argv[4];
	const char *variable;
};

static int start_with(void *arg)
{
	const struct start *s = arg;
	char *const envp[] = {(char *)s->variable, NULL};
	char path[PATH_MAX];

	in_work(path, sizeof(path), "tctrue");
	execve(path, (char *const *)s->argv, envp);
	return 96;
}

/* Puts a rule in force that starts of tctrue under the condition are judged by. */
static void judge_starts(const char *condition)
{
	_autobuf_ struct buf whole = BUF_INIT;

	buf_addf(&whole, "evt.type in (execve, execveat) and proc.name = tctrue and (%s)", condition);
	apply_one(buf_str(&whole), AUDIT);
}

/* Whether the start is killed under the condition. */
static bool kills(const char *condition, struct start s)
{
	int status;

	judge_starts(condition);
	status = done_in(cgroup, start_with, &s);
	if (!is_killed(status) && !WIFEXITED(status))
		fail_msg("%s: %#x", condition, (unsigned int)status);
	return is_killed(status);
}

#define START(...) ((struct start){.argv = {__VA_ARGS__}})

/* Each row: a condition, a start that it describes, and one that it does not, by little. */
static void each_text_of_a_start_blocks_what_it_says_and_no_near_miss(void **unused)
{
	static const struct {
		const char *condition;
		struct start hit, miss;
	} rows[] = {
	        {"proc.args = \"-c /dev/null\"", {{"t", "-c", "/dev/null"}, NULL}, {{"t", "-c", "/dev/nulls"}, NULL}},
	        {"proc.args contains dev/nu", {{"t", "/dev/null"}, NULL}, {{"t", "/dev/zero"}, NULL}},
	        {"proc.args startswith -c", {{"t", "-c", "x"}, NULL}, {{"t", "x", "-c"}, NULL}},
	        {"proc.args endswith null", {{"t", "/dev/null"}, NULL}, {{"t", "/dev/null", "x"}, NULL}},
	        {"proc.args icontains DEV/NULL", {{"t", "/dEv/nuLL"}, NULL}, {{"t", "/dEv nuLL"}, NULL}},
	        {"proc.args glob \"*n?ll\"", {{"t", "/dev/null"}, NULL}, {{"t", "/dev/nll"}, NULL}},
	        {"proc.args regex \"-[ab]+ x\"", {{"t", "-abba x"}, NULL}, {{"t", "-abca x"}, NULL}},
	        {"proc.args = \"\"", {{"t"}, NULL}, {{"t", "x"}, NULL}},
	        {"proc.cmdline = \"tctrue -c x\"", {{"t", "-c", "x"}, NULL}, {{"t", "-c x", ""}, NULL}},
	        {"proc.cmdline regex \"tctrue -c [0-9]{3}\"", {{"t", "-c", "123"}, NULL}, {{"t", "-c", "12"}, NULL}},
	        {"proc.exe = evil", {{"evil", "x"}, NULL}, {{"evi", "l x"}, NULL}},
	        {"proc.exe in (a, evil, b)", {{"evil"}, NULL}, {{"vil"}, NULL}},
	        {"proc.exe icontains EVI", {{"devil"}, NULL}, {{"deil"}, NULL}},
	        {"proc.exe glob \"ev[ie]l*\"", {{"evel-one"}, NULL}, {{"eval-one"}, NULL}},
	        {"proc.env contains \"LD_PRELOAD=/\"", {{"t"}, "LD_PRELOAD=/x"}, {{"t"}, "LD_PRELOA=/x"}},
	        {"proc.env icontains http_proxy", {{"t"}, "HTTP_PROXY=1"}, {{"t"}, "HTTPPROXY=1"}},
	        {"not proc.env contains \"SAFE=1\"", {{"t"}, "SAFE=2"}, {{"t"}, "SAFE=1"}},
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!kills(rows[i].condition, rows[i].hit))
			fail_msg("%s does not block", rows[i].condition);
		if (kills(rows[i].condition, rows[i].miss))
			fail_msg("%s blocks a near miss", rows[i].condition);
	}
}

static void paths_of_a_start_are_matched_by_pmatch_and_glob(void **unused)
{
	_autobuf_ struct buf condition = BUF_INIT;
	const struct start s = START("t");

	(void)unused;
	buf_addf(&condition, "proc.exepath pmatch (/nowhere, %s)", work);
	assert_true(kills(buf_str(&condition), s));
	buf_reset(&condition);
	/* A directory of which the name only begins so. */
	buf_addf(&condition, "proc.exepath pmatch (/nowhere, %.*s)", (int)strlen(work) - 1, work);
	assert_false(kills(buf_str(&condition), s));
	assert_true(kills("proc.exepath glob \"/tmp/tercel-decide-*/tctru?\"", s));
	assert_false(kills("proc.exepath glob \"/tmp/tercel-decide-*/tctrue?\"", s));
	assert_true(kills("proc.exepath regex \"/tmp/tercel-decide-[^/]+/tctrue\"", s));
	assert_false(kills("proc.exepath regex \"/tmp/tercel-decide-[/]tctrue\"", s));
}

/* ---- facts of ancestors --------------------------------------------------------------------------------------------
 */

/* A shell that starts another one, which starts the program: argv[0] of both are given. */
struct shells {
	const char *outer, *inner;
};

static int start_below_shells(void *arg)
{
	const struct shells *s = arg;
	_autobuf_ struct buf command = BUF_INIT;
	char shell[PATH_MAX];

	(void)!freopen("/dev/null", "w", stderr);
	in_work(shell, sizeof(shell), "tcshell");
	buf_addf(&command, "(exec -a %s %s -c '%s/tctrue /dev/null; e=$?; exit $e'); e=$?; exit $e", s->inner, shell,
	         work);
	execl(shell, s->outer, "-c", buf_str(&command), NULL);
	return 96;
}

static bool kills_below(const char *condition, struct shells s)
{
	int status;

	judge_starts(condition);
	status = done_in(cgroup, start_below_shells, &s);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 128 + SIGKILL)
		fail_msg("%s: %d", condition, WEXITSTATUS(status));
	return WEXITSTATUS(status) != 0;
}

static void texts_of_ancestors_block_what_they_say_and_no_near_miss(void **unused)
{
	const struct shells s = {.outer = "grand", .inner = "father"};

	(void)unused;
	assert_true(kills_below("proc.pexe = father", s));
	assert_false(kills_below("proc.pexe = grand", s));
	assert_true(kills_below("proc.pcmdline startswith \"tcshell -c\"", s));
	assert_false(kills_below("proc.pcmdline startswith \"tcshell -d\"", s));
	assert_true(kills_below("proc.pcmdline contains tctrue", s));
	assert_true(kills_below("proc.aexe[1] = father", s));
	assert_true(kills_below("proc.aexe[2] = father or proc.aexe[2] = grand", s));
	assert_true(kills_below("proc.aexe[2] glob gr?nd or proc.aexe[3] glob gr?nd", s));
	assert_false(kills_below("proc.aexe[1] = grand", s));
	assert_true(kills_below("proc.aexe in (x, grand)", s));
	assert_false(kills_below("proc.aexe in (x, grandx)", s));
	assert_true(kills_below("proc.pname = tcshell and proc.aname[2] = tcshell", s));
	assert_false(kills_below("not proc.aname contains tcshell", s));
}

/* ---- users ---------------------------------------------------------------------------------------------------------
 */

static int start_as(void *uid)
{
	char *const argv[] = {(char *)"t", (char *)"/dev/null", NULL}, *const envp[] = {NULL};
	char path[PATH_MAX];

	in_work(path, sizeof(path), "tctrue");
	if (setresuid(*(uid_t *)uid, *(uid_t *)uid, *(uid_t *)uid))
		return 97;
	execve(path, argv, envp);
	return 96;
}

static bool kills_user(const char *place, const char *condition, uid_t uid, struct tercel_verdict *v)
{
	int status, n;

	judge_starts(condition);
	status = done_in(place, start_as, &uid);
	if (!is_killed(status) && status != 0)
		fail_msg("%s: %#x", condition, (unsigned int)status);
	n = verdicts_of(*actor, v);
	if (!n)
		*v = (struct tercel_verdict){0};
	return is_killed(status);
}

static void set_users(const struct identity_users *u, bool there)
{
	for (size_t i = 0; i < u->count; i++)
		assert_int_equal(there ? sensor_set_user(sensor, u->users[i].uid, &u->users[i].user)
		                       : sensor_forget_user(sensor, u->users[i].uid),
		                 0);
}

static void users_have_the_names_of_the_hosts_database_and_none_in_a_container(void **unused)
{
	_autobuf_ struct buf passwd = BUF_INIT;
	struct identity_users u = {0};
	struct tercel_verdict v;
	FILE *f;

	(void)unused;
	buf_addf(&passwd, "%s/passwd", work);
	f = fopen(buf_str(&passwd), "we");
	if (!f) {
		fail_msg("%s: %s", buf_str(&passwd), strerror(errno));
		return;
	}
	fprintf(f,
	        "mallory:x:60001:60001::/:/bin/sh\nmalory:x:60002:60002::/:/bin/sh\n"
	        "%064d:x:60003:60003::/:/bin/sh\n",
	        0);
	fclose(f);
	/* Nothing is known yet. */
	assert_false(kills_user(host, "user.name = mallory", 60001, &v));
	assert_int_equal(v.uncertain, TERCEL_U_USER);
	assert_int_equal(identity_users_read(&u, buf_str(&passwd), "/nonexistent"), 0);
	unlink(buf_str(&passwd));
	set_users(&u, true);
	assert_true(kills_user(host, "user.name = mallory", 60001, &v));
	assert_int_equal(v.uncertain, 0);
	assert_false(kills_user(host, "user.name = mallory", 60002, &v));
	assert_int_equal(v.uncertain, 0);
	assert_true(kills_user(host, "not user.name in (root, mallory)", 60002, &v));
	assert_true(kills_user(host, "user.name = root", 0, &v));
	/* A name that is too long is unknown, one that there is not is "<NA>". */
	assert_false(kills_user(host, "user.name != mallory", 60003, &v));
	assert_int_equal(v.uncertain, TERCEL_U_USER);
	assert_true(kills_user(host, "user.name = \"<NA>\"", 60004, &v));
	assert_false(kills_user(cgroup, "user.name = mallory", 60001, &v));
	assert_int_equal(v.uncertain, TERCEL_U_USER);
	/* Another source of names may know more. */
	u.users[u.count - 1].user.whole = 0;
	set_users(&u, true);
	assert_false(kills_user(host, "user.name = \"<NA>\"", 60004, &v));
	assert_int_equal(v.uncertain, TERCEL_U_USER);
	assert_true(kills_user(host, "user.name = mallory", 60001, &v));
	set_users(&u, false);
	identity_users_free(&u);
}

/* ---- containers ----------------------------------------------------------------------------------------------------
 */

static struct facts *facts;

static void compile_facts(const struct image *image)
{
	struct error err = {""};

	facts_free(facts);
	facts = NULL;
	if (facts_new(&facts, (const char *const *)image->containers, image->ncontainers, &err))
		fail_msg("%s", err.text);
}

static void write_whole(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	if (!f || fputs(text, f) < 0 || fclose(f))
		fail_msg("%s: %s", path, strerror(errno));
}

/* A container as Docker keeps it. */
static void make_container(const char *id, const char *image)
{
	_autobuf_ struct buf path = BUF_INIT, text = BUF_INIT;

	buf_addf(&path, "%s/containers/%s", docker, id);
	assert_int_equal(mkdir(buf_str(&path), 0755), 0);
	buf_adds(&path, "/hostconfig.json");
	write_whole(buf_str(&path), "{\"Privileged\":false,\"PidMode\":\"\",\"NetworkMode\":\"bridge\",\"IpcMode\":"
	                            "\"private\"}");
	buf_reset(&path);
	buf_addf(&path, "%s/containers/%s/config.v2.json", docker, id);
	buf_addf(&text,
	         "{\"ID\":\"%s\",\"Name\":\"/web\",\"Driver\":\"overlay2\",\"Image\":\"sha256:%s\",\"MountPoints\":{},"
	         "\"Config\":{\"Image\":\"%s\",\"Labels\":{\"tier\":\"front\"}}}",
	         id, image, image);
	write_whole(buf_str(&path), buf_str(&text));
}

static void make_docker(void)
{
	_autobuf_ struct buf path = BUF_INIT;

	snprintf(docker, sizeof(docker), "%s/docker", work);
	buf_addf(&path, "mkdir -p %s/containers %s/image/overlay2", docker, docker);
	assert_int_equal(system(buf_str(&path)), 0);
	buf_reset(&path);
	buf_addf(&path, "%s/image/overlay2/repositories.json", docker);
	write_whole(buf_str(&path), "{\"Repositories\":{\"shop/front\":{\"shop/front:1.2\":\"sha256:aaaa\"},"
	                            "\"shop/back\":{\"shop/back:1.2\":\"sha256:bbbb\"}}}");
	snprintf(other, sizeof(other), "%s/docker-%s.scope", outer, OTHER);
	assert_int_equal(mkdir(other, 0755), 0);
}

static void remove_docker(void)
{
	_autobuf_ struct buf command = BUF_INIT;

	before_policy = NULL;
	facts_free(facts);
	facts = NULL;
	if (!docker[0])
		return;
	rmdir(other);
	buf_addf(&command, "rm -r %s", docker);
	(void)!system(buf_str(&command));
	docker[0] = '\0';
}

static uint64_t cgroup_id_of(const char *dir)
{
	struct stat st;

	assert_int_equal(stat(dir, &st), 0);
	return st.st_ino;
}

/* What `tercel run` does with a container that it was told of. */
static int look_for(const char *dir, const char *id)
{
	_autocontainer_ struct container_info c = {0};
	struct tercel_container_facts answers;
	int r = docker_read(&c, docker, id);

	if (!r)
		r = facts_answer(facts, &c, &answers);
	return r ? r : sensor_set_container_facts(sensor, cgroup_id_of(dir), GENERATION, &answers);
}

static void look_at_host(void)
{
	_autocontainer_ struct container_info c = {0};
	struct tercel_container_facts answers;

	assert_int_equal(container_info_host(&c), 0);
	assert_int_equal(facts_answer(facts, &c, &answers), 0);
	assert_int_equal(sensor_set_container_facts(sensor, 0, GENERATION, &answers), 0);
}

static bool starts_in(const char *dir, struct tercel_verdict *v)
{
	struct start s = START("t", "/dev/null");
	int status = done_in(dir, start_with, &s);

	*v = (struct tercel_verdict){0};
	(void)verdicts_of(*actor, v);
	if (!is_killed(status) && status != 0)
		fail_msg("%#x", (unsigned int)status);
	return !is_killed(status);
}

static void an_image_is_unknown_until_its_container_is_and_then_blocked(void **unused)
{
	struct tercel_verdict v;

	(void)unused;
	make_docker();
	before_policy = compile_facts;
	apply_one("evt.type = execve and proc.name = tctrue and container.image.repository = shop/front", AUDIT);
	/* Nobody knows anything: neither of the host. */
	assert_int_equal(look_for(cgroup, CONTAINER), -ENOENT);
	assert_true(starts_in(cgroup, &v));
	assert_int_equal(v.uncertain, TERCEL_U_CONTAINER);
	assert_true(starts_in(host, &v));
	assert_int_equal(v.uncertain, TERCEL_U_CONTAINER);
	look_at_host();
	assert_true(starts_in(host, &v));
	assert_int_equal(v.uncertain, 0);
	/* The metadata of both arrives. */
	make_container(CONTAINER, "aaaa");
	make_container(OTHER, "bbbb");
	assert_int_equal(look_for(cgroup, CONTAINER), 0);
	assert_int_equal(look_for(other, OTHER), 0);
	assert_false(starts_in(cgroup, &v));
	assert_int_equal(v.enforced, 1);
	assert_int_equal(v.uncertain, 0);
	assert_true(starts_in(other, &v));
	assert_int_equal(v.hdr.size, 0);
	/* What is forgotten is unknown again. */
	assert_int_equal(sensor_forget_container_facts(sensor, cgroup_id_of(cgroup), GENERATION), 0);
	assert_true(starts_in(cgroup, &v));
	assert_int_equal(v.uncertain, TERCEL_U_CONTAINER);
	remove_docker();
}

static void what_is_asked_of_containers_blocks_what_it_says_and_no_near_miss(void **unused)
{
	static const struct {
		const char *condition;
		bool in_container, in_other, on_host;
	} rows[] = {
	        {"container.name = web", true, true, false},
	        {"container.name = host", false, false, true},
	        {"container.image.tag = \"1.2\" and container.privileged = false", true, true, false},
	        {"container.image.repository endswith /back", false, true, false},
	        {"not container.image.repository startswith shop/fr", false, true, true},
	        {"container.label[tier] = front and not container.label[tier] = back", true, true, false},
	        {"container.label[other] exists", false, false, false},
	        {"k8s.ns.name != default", false, false, false},
	        {"container.host_network = false and container.type = docker", true, true, false},
	        {"container.image.repository in (shop/front, shop/x) or container.name = nobody", true, false, false},
	};
	struct tercel_verdict v;

	(void)unused;
	make_docker();
	make_container(CONTAINER, "aaaa");
	make_container(OTHER, "bbbb");
	before_policy = compile_facts;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_autobuf_ struct buf condition = BUF_INIT;

		buf_addf(&condition, "evt.type = execve and proc.name = tctrue and (%s)", rows[i].condition);
		apply_one(buf_str(&condition), AUDIT);
		look_at_host();
		assert_int_equal(look_for(cgroup, CONTAINER), 0);
		assert_int_equal(look_for(other, OTHER), 0);
		if (starts_in(cgroup, &v) == rows[i].in_container || starts_in(other, &v) == rows[i].in_other ||
		    starts_in(host, &v) == rows[i].on_host)
			fail_msg("%s", rows[i].condition);
		assert_int_equal(v.uncertain, 0);
	}
	remove_docker();
}

static void answers_of_removed_cgroups_are_let_go(void **unused)
{
	const struct tercel_container_facts none = {.bits = {0}};
	struct tercel_container_facts found;
	struct tercel_container_key key = {.generation = GENERATION};
	struct tercel_verdict v;
	const int fd = sensor_map_fd(sensor, "container_facts");

	(void)unused;
	make_docker();
	apply_one("evt.type = execve and proc.name = nobody", AUDIT);
	assert_true(starts_in(other, &v)); /* the kernel has seen it */
	key.cgroup_id = cgroup_id_of(other);
	assert_int_equal(sensor_set_container_facts(sensor, 0, GENERATION, &none), 0);
	assert_int_equal(sensor_set_container_facts(sensor, key.cgroup_id, GENERATION, &none), 0);
	assert_true(sensor_prune_container_facts(sensor) >= 0);
	assert_int_equal(bpf_map_lookup_elem(fd, &key, &found), 0);
	assert_int_equal(rmdir(other), 0);
	assert_true(sensor_prune_container_facts(sensor) >= 1);
	assert_int_equal(bpf_map_lookup_elem(fd, &key, &found), -ENOENT);
	key.cgroup_id = 0;
	assert_int_equal(bpf_map_lookup_elem(fd, &key, &found), 0);
	remove_docker();
}

/* ---- peers ---------------------------------------------------------------------------------------------------------
 */

/* In a network of its own, in which the addresses of TEST-NET-1 are on loopback. */
static int connect_in_a_network_of_its_own(void *address)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd;

	if (unshare(CLONE_NEWNET))
		return 97;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &up))
		return 96;
	up = (struct ifreq){.ifr_name = "lo:1"};
	((struct sockaddr_in *)(void *)&up.ifr_addr)->sin_family = AF_INET;
	((struct sockaddr_in *)(void *)&up.ifr_addr)->sin_addr.s_addr = inet_addr("192.0.2.1");
	if (ioctl(fd, SIOCSIFADDR, &up))
		return 95;
	to.sin_addr.s_addr = inet_addr(address);
	/* Nobody listens: refused if it was let through. */
	if (!connect(fd, (const struct sockaddr *)&to, sizeof(to)))
		return 94;
	return errno;
}

static void an_address_other_than_loopback_is_denied_and_loopback_is_let_through(void **unused)
{
	static const char *const conditions[] = {
	        "fd.sip != 127.0.0.1",        "not fd.snet in (\"127.0.0.0/8\")",
	        "fd.snet != \"127.0.0.0/8\"", "not fd.sip in (127.0.0.1, 127.0.0.2)",
	        "fd.net != \"127.0.0.0/8\"",  "not fd.net in (\"127.0.0.0/8\") and not fd.sip = 10.0.0.1",
	};
	struct tercel_verdict v;

	(void)unused;
	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
		_autobuf_ struct buf whole = BUF_INIT;
		int status;

		buf_addf(&whole, "evt.type = connect and fd.l4proto = tcp and %s", conditions[i]);
		apply_one(buf_str(&whole), AUDIT);
		status = done_in(cgroup, connect_in_a_network_of_its_own, (void *)"127.0.0.1");
		if (!WIFEXITED(status) || WEXITSTATUS(status) != ECONNREFUSED)
			fail_msg("%s: loopback: %#x", conditions[i], (unsigned int)status);
		status = done_in(cgroup, connect_in_a_network_of_its_own, (void *)"192.0.2.1");
		if (!WIFEXITED(status) || WEXITSTATUS(status) != EPERM) {
			(void)verdicts_of(*actor, &v);
			fail_msg("%s: %#x, uncertain %#x", conditions[i], (unsigned int)status, v.uncertain);
		}
	}
}

static int group(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_text_of_a_start_blocks_what_it_says_and_no_near_miss),
	        cmocka_unit_test(paths_of_a_start_are_matched_by_pmatch_and_glob),
	        cmocka_unit_test(texts_of_ancestors_block_what_they_say_and_no_near_miss),
	        cmocka_unit_test(users_have_the_names_of_the_hosts_database_and_none_in_a_container),
	        cmocka_unit_test(an_image_is_unknown_until_its_container_is_and_then_blocked),
	        cmocka_unit_test(what_is_asked_of_containers_blocks_what_it_says_and_no_near_miss),
	        cmocka_unit_test(answers_of_removed_cgroups_are_let_go),
	        cmocka_unit_test(an_address_other_than_loopback_is_denied_and_loopback_is_let_through),
	};

	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	/* Also if a test failed on its way. */
	remove_docker();
	return failed;
}

int main(void)
{
	return decide_main(group);
}
