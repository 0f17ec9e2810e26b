//! What containers run: one-liners for a shell, commands of a few words, and what is said instead of writing them out.

use crate::random::Random;
use crate::slots::Filled;

/// What a shell must run, since `;`, `&`, `|`, `>` or `$` stands in it. No single quote and no backslash: the plan language
/// writes the whole in single quotes.
const ONE_LINERS: &[&str] = &[
    "while true; do date; sleep {n}; done",
    "while true; do echo {w}; sleep {n}; done",
    "while :; do uptime; sleep {n}; done",
    "while true; do date >> /var/log/{f}.log; sleep {n}; done",
    "while [ ! -f /tmp/{f} ]; do sleep {n}; done; echo {w}",
    "until nslookup {h}; do sleep {n}; done",
    "until nc -z {h} 5432; do echo waiting; sleep {n}; done",
    "until wget -q {h}:8080; do sleep {n}; done; echo up",
    "for i in 1 2 3; do echo {w} $i; sleep {n}; done",
    "for i in $(seq 1 {n}); do date; sleep 1; done",
    "for f in /data/*; do echo $f; done",
    "i=0; while true; do echo $i; i=$((i+1)); sleep {n}; done",
    "echo {w}; sleep {n}",
    "echo {w} && sleep {n}",
    "echo {w}; sleep {n}; echo done",
    "echo \"{w} {w2}\"; sleep {n}",
    "echo \"{w}\" && date",
    "echo {w} > /tmp/{f}.txt; cat /tmp/{f}.txt",
    "echo \"{w} from $HOSTNAME\"; sleep {n}",
    "echo {w} >> /data/{f}.txt && wc -l /data/{f}.txt",
    "date; echo {w}",
    "date; sleep {n}; date",
    "date > /data/{f}.txt",
    "date && hostname",
    "sleep {n}; echo {w}; exit 1",
    "sleep {n} && exit 0",
    "sleep {n}; ls /tmp",
    "env | sort",
    "env | grep {k}",
    "env | grep {k} > /tmp/{f}",
    "printenv | wc -l",
    "ls -la / | head -n {n}",
    "ls /etc; ls /tmp",
    "cat /etc/hosts; cat /etc/resolv.conf",
    "cat /etc/os-release | grep VERSION",
    "cat /proc/meminfo | head -n {n}",
    "touch /tmp/{f} && sleep {n} && rm /tmp/{f}",
    "mkdir -p /work && cd /work && ls",
    "rm -rf /tmp/{f}/*; df -h",
    "df -h | sort",
    "ps aux | head -n {n}",
    "wget -qO- http://{h}:8080 | head -n {n}",
    "wget -O- {h}:80 || echo failed",
    "curl -s http://{h}/health || exit 1",
    "curl -sS http://{h} > /tmp/{f}.html; wc -c /tmp/{f}.html",
    "curl -s {h}:9090/metrics | grep up",
    "hostname; whoami; id",
    "uname -a && uptime",
    "seq 1 {n} | tail -n 1",
    "tar czf /backup/{f}.tgz /data && ls -lh /backup",
    "pg_dump -h {h} app > /backup/{f}.sql",
    "mysqldump -h {h} app | gzip > /backup/{f}.sql.gz",
    "redis-cli -h {h} ping && echo alive",
    "test -d /data && echo {w} || echo missing",
    "nginx -t && nginx -v",
    "find /tmp -mtime +{n} -delete; date",
    "python -m http.server & sleep {n}; echo {w}",
    "trap : TERM INT; sleep infinity & wait",
    "expr {n} + 2; date",
    "apk add curl && curl {h}",
    "nslookup {h} > /tmp/{f}; cat /tmp/{f}",
    "cd /app && npm test; echo $?",
];

/// Commands of words that no shell need see.
const PLAIN: &[&str] = &[
    "env",
    "env",
    "date",
    "printenv",
    "hostname",
    "whoami",
    "uptime",
    "id",
    "sleep {n}",
    "sleep 3600",
    "sleep {n}00",
    "sleep infinity",
    "date -u",
    "uname -a",
    "ls -la /data",
    "ls /",
    "cat /etc/hosts",
    "cat /etc/os-release",
    "cat /proc/cpuinfo",
    "printenv {k}",
    "tail -f /dev/null",
    "df -h",
    "free -m",
    "nslookup {h}",
    "ping -c {n} {h}",
    "nc -zv {h} 5432",
    "wget -qO- http://{h}:8080",
    "wget -O- {h}:80",
    "wget --spider --timeout=2 http://{h}",
    "curl -s http://{h}",
    "curl -I {h}:8080",
    "curl -m 5 http://{h}/health",
    "redis-cli -h {h} ping",
    "pg_isready -h {h}",
    "top -b",
    "nginx -v",
    "seq 1 {n}",
    "python -V",
    "python manage.py migrate",
    "node server.js",
    "java -version",
    "echo {w}",
    "echo {w} {w2}",
    "openssl rand -hex {n}",
    "stress --cpu {n}",
    "./run.sh --fast",
];

/// Programs with a script in quotes of its own.
const SCRIPTS: &[&str] = &[
    "perl -e 'print 2 ** {n}'",
    "perl -le 'print for 1..{n}'",
    "perl -Mbignum=bpi -wle 'print bpi({n}00)'",
    "python -c 'print({n} * 7)'",
    "python -c 'print(\"{w}\")'",
    "perl -e 'print time'",
    "python3 -c 'print(sum(range({n})))'",
    "python -c 'import this'",
    "node -e 'console.log({n} + 1)'",
    "php -r 'echo PHP_VERSION'",
    "node -p 'process.version'",
    "ruby -e 'puts {n} * 2'",
    "psql -h {h} -c 'select 1'",
    "psql -h {h} -c 'select count(*) from users'",
    "mysql -h {h} -e 'show databases'",
    "awk 'BEGIN {print {n}}'",
    "curl -H 'Accept: text/plain' http://{h}",
    "wget -qO- --header 'Host: {h}' http://{h}:8080",
    "bash -c 'echo {w}; sleep {n}'",
    "ash -c 'date; sleep {n}'",
];

const SENTENCES: &[&str] = &[
    "hello world",
    "hello from {h}",
    "hello {w}",
    "it works",
    "job done",
    "good morning",
    "how are you",
    "wish you were here",
    "backup finished",
    "all {n} files copied",
    "nothing to do",
    "the cake is ready",
    "time for a break",
    "step {n} of 9",
    "{w} {w2}",
    "{w}",
    "{w} and {w2}",
    "tests passed",
    "{h} is up",
    "hola mundo",
    "bonjour tout le monde",
    "guten Tag",
    "Hello, {h}!",
    "I am alive",
    "cron was here",
];

const NAPS: &[(&str, &str)] = &[
    ("an hour", "3600"),
    ("an hour", "3600"),
    ("one hour", "3600"),
    ("1 hour", "3600"),
    ("1h", "3600"),
    ("two hours", "7200"),
    ("three hours", "10800"),
    ("half an hour", "1800"),
    ("a quarter of an hour", "900"),
    ("30 minutes", "1800"),
    ("20 minutes", "1200"),
    ("ten minutes", "600"),
    ("five minutes", "300"),
    ("two minutes", "120"),
    ("a minute", "60"),
    ("one minute", "60"),
    ("half a minute", "30"),
    ("90 seconds", "90"),
    ("30 seconds", "30"),
    ("45 seconds", "45"),
    ("ten seconds", "10"),
    ("3600 seconds", "3600"),
    ("1000 seconds", "1000"),
    ("500s", "500"),
    ("a day", "86400"),
];

const WORDS: &str =
    "hello hi ready done ok started world ping tick ahoy welcome finished waiting alive bye moin";
const HOSTS: &str =
    "web db cart api postgres redis backend frontend myapp orders cache google.com example.com";
const FILES: &str = "out ready log dump page list times report state result";
const KEYS: &str = "PATH HOME HOSTNAME KUBERNETES LANG TZ";

/// A command by the name of its slot, as it is said and as it stands behind ` -- `.
pub fn command(kind: &str, random: &mut Random) -> Option<Filled> {
    Some(match kind {
        // A one-liner in quotes, with or without the shell in front.
        "shline" => {
            let line = made(ONE_LINERS, random);
            let said = around(&line, random);
            let (before, shell) = match random.below(10) {
                0 => ("/bin/sh -c ", "/bin/sh"),
                1 => ("sh -c ", "sh"),
                _ => ("", "/bin/sh"),
            };
            Filled::of(format!("{before}{said}"), format!("{shell} -c '{line}'"))
        }
        "plain" => {
            let line = made(PLAIN, random);
            let said = if random.chance(60) {
                around(&line, random)
            } else {
                line.clone()
            };
            Filled::of(said, line)
        }
        "script" => {
            let line = made(SCRIPTS, random);
            // In quotes: bare in a sentence, nobody could tell where it ends.
            let said = match random.below(10) {
                0..=5 if !line.contains('"') => format!("\"{line}\""),
                _ => format!("`{line}`"),
            };
            Filled::of(said, line)
        }
        "saying" => {
            let line = made(SENTENCES, random);
            Filled::of(around(&line, random), format!("'{line}'"))
        }
        "nap" => Filled::one_of(NAPS, random),
        _ => return None,
    })
}

/// One of a list with its blanks filled.
fn made(list: &[&str], random: &mut Random) -> String {
    let number = [1, 2, 3, 5, 5, 7, 8, 10, 10, 15, 20, 30, 45, 60][random.below(14)].to_string();
    let first = random.word(WORDS);
    let second = random.word("you there everybody again now friends team kubernetes cluster pods");
    random
        .pick(list)
        .replace("{n}", &number)
        .replace("{w}", first)
        .replace("{w2}", second)
        .replace("{h}", random.word(HOSTS))
        .replace("{f}", random.word(FILES))
        .replace("{k}", random.word(KEYS))
}

/// A text in quotes of one kind or another, none of which stands in it.
fn around(text: &str, random: &mut Random) -> String {
    let quote = match random.below(10) {
        0..=3 if !text.contains('"') => '"',
        4 => '`',
        _ => '\'',
    };
    format!("{quote}{text}{quote}")
}
