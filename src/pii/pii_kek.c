/*
 * pii_kek.c: the key-encryption key, from a file or a command outside the
 * database.
 *
 * It is never a setting, a table or an environment variable: those stand in
 * backups, in pg_settings and in /proc.  With shared_preload_libraries the
 * postmaster reads it once, so that the file may vanish afterwards; else each
 * backend reads it at first need.
 */
#include "pii_room.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/guc.h"

char	   *crm_key_file;
char	   *crm_key_command;

static CrmSecrets *secrets;
static int	secrets_locked_by;	/* a fork inherits the pages, not the lock */
static bool loaded;
static bool loaded_from_command;
static char loaded_from[MAXPGPATH];

/* The place for key material; locking is tried, not insisted on. */
CrmSecrets *
crm_secrets(void)
{
	if (secrets == NULL)
	{
		void	   *pages = mmap(NULL, sizeof(CrmSecrets), PROT_READ | PROT_WRITE,
								 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (pages == MAP_FAILED)
			ereport(ERROR,
					(errcode(ERRCODE_OUT_OF_MEMORY),
					 errmsg("could not map memory for keys: %m")));
#ifdef MADV_DONTDUMP
		(void) madvise(pages, sizeof(CrmSecrets), MADV_DONTDUMP);
#endif
		secrets = pages;
	}
	if (secrets_locked_by != MyProcPid)
	{
		(void) mlock(secrets, sizeof(CrmSecrets));
		secrets_locked_by = MyProcPid;
	}
	return secrets;
}

/* Is the path below the data directory?  Judged after following all links. */
static bool
inside_data_directory(const char *path)
{
	char		folder[MAXPGPATH];
	char		real_path[PATH_MAX];
	char		real_data[PATH_MAX];

	if (DataDir == NULL || realpath(DataDir, real_data) == NULL)
		return false;
	if (realpath(path, real_path) == NULL)
	{
		strlcpy(folder, path, sizeof(folder));
		get_parent_directory(folder);
		if (realpath(folder, real_path) == NULL)
			return false;
	}
	return strcmp(real_path, real_data) == 0 || path_is_prefix_of_path(real_data, real_path);
}

/* What is wrong with the path itself, whether or not there is a file. */
CrmKeyFault
crm_key_file_check_path(void)
{
	if (crm_key_file == NULL || crm_key_file[0] == '\0')
		return CRM_KEY_NO_SOURCE;
	if (!is_absolute_path(crm_key_file))
		return CRM_KEY_NOT_ABSOLUTE;
	if (inside_data_directory(crm_key_file))
		return CRM_KEY_INSIDE_DATA;
	return CRM_KEY_OK;
}

static CrmKeyFault
check_file(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return CRM_KEY_UNREADABLE;
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return CRM_KEY_OWNER;
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return CRM_KEY_MODE;
	return CRM_KEY_OK;
}

/* Read a key text by read(2), straight into locked memory: stdio would leave copies. */
static CrmKeyFault
read_key(int fd)
{
	CrmSecrets *s = crm_secrets();
	size_t		length = 0;
	ssize_t		got = 0;
	CrmKeyFault fault;

	while (length < sizeof(s->text))
	{
		got = read(fd, s->text + length, sizeof(s->text) - length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		length += (size_t) got;
	}
	if (got < 0)
		fault = CRM_KEY_UNREADABLE;
	else
		fault = crm_key_parse(s->text, length, s->kek) ? CRM_KEY_OK : CRM_KEY_FORM;
	OPENSSL_cleanse(s->text, sizeof(s->text));
	return fault;
}

static CrmKeyFault
load_key_file(void)
{
	CrmKeyFault fault = crm_key_file_check_path();
	int			fd;

	if (fault != CRM_KEY_OK)
		return fault;
	fd = BasicOpenFile(crm_key_file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? CRM_KEY_NO_FILE : CRM_KEY_UNREADABLE;
	fault = check_file(fd);
	if (fault == CRM_KEY_OK)
		fault = read_key(fd);
	close(fd);
	return fault;
}

static CrmKeyFault
load_key_command(void)
{
	FILE	   *pipe = OpenPipeStream(crm_key_command, "r");
	CrmKeyFault fault;

	if (pipe == NULL)
		return CRM_KEY_COMMAND;
	fault = read_key(fileno(pipe));
	if (ClosePipeStream(pipe) != 0)
		return CRM_KEY_COMMAND;
	return fault;
}

static bool
use_command(void)
{
	return crm_key_command != NULL && crm_key_command[0] != '\0';
}

/*
 * Have the key-encryption key in crm_secrets()->kek.  A key that came from where
 * the settings still point to is kept: its file may be gone by now.
 */
CrmKeyFault
crm_kek_load(void)
{
	bool		command = use_command();
	const char *source = command ? crm_key_command : crm_key_file;
	CrmKeyFault fault;

	if (source == NULL)
		source = "";
	if (loaded && loaded_from_command == command && strcmp(loaded_from, source) == 0)
		return CRM_KEY_OK;
	loaded = false;
	if (strlen(source) >= sizeof(loaded_from))
		return CRM_KEY_UNREADABLE;
	fault = command ? load_key_command() : load_key_file();
	if (fault != CRM_KEY_OK)
		return fault;
	loaded = true;
	loaded_from_command = command;
	strlcpy(loaded_from, source, sizeof(loaded_from));
	return CRM_KEY_OK;
}

/* This key unwraps nothing: read its source again at the next try. */
void
crm_kek_forget(void)
{
	loaded = false;
}

/* Where keys come from, for people: never the path, which is a superuser's. */
const char *
crm_kek_source(void)
{
	if (use_command())
		return "command";
	return crm_key_file != NULL && crm_key_file[0] != '\0' ? "file" : "none";
}

static void
assign_source(const char *newval, void *extra)
{
	crm_keys_forget();
}

/*
 * A failure to read the key never stops the server: dumps and replicas work
 * without keys.
 */
static void
load_in_postmaster(void)
{
	CrmKeyFault fault = crm_kek_load();

	if (fault != CRM_KEY_OK && fault != CRM_KEY_NO_SOURCE)
		ereport(LOG,
				(errcode(ERRCODE_CRM_KEY_UNAVAILABLE),
				 errmsg("crm: no key for personal data"),
				 errdetail("%s", crm_key_fault_detail(fault))));
}

void
crm_kek_init(void)
{
	DefineCustomStringVariable("crm.key_file",
							   "File with the key-encryption key of personal data, outside the data directory (密钥文件).",
							   "64 hexadecimal digits; readable by the server's user alone. crm.key_generate() makes one.",
							   &crm_key_file, "",
							   PGC_SUSET, GUC_SUPERUSER_ONLY, NULL, assign_source, NULL);
	DefineCustomStringVariable("crm.key_command",
							   "Command that prints the key-encryption key of personal data (密钥命令).",
							   "For key management services: its output is what the key file would hold. Goes before crm.key_file.",
							   &crm_key_command, "",
							   PGC_SUSET, GUC_SUPERUSER_ONLY, NULL, assign_source, NULL);
	if (process_shared_preload_libraries_in_progress)
		load_in_postmaster();
}
