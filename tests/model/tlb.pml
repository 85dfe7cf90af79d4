/* The coherence protocol of the user-level TLB: does a post ever use pinned pages that are no
 * longer those at its address?
 *
 * There is one range of addresses. THREADS application threads unmap, map, madvise and post from
 * it, in any order and for ever; the TLB has room for SLOTS entries for it, each with a pin of its
 * own. The kernel tells of changes through a userfaultfd, but only while the range is registered
 * with it, and at its own pace.
 *
 * The invariant is the first assertion in post(): when an owner of the buffer uses a cached entry,
 * its pin is of the page that is at the address. A poster owns the buffer if the range is mapped,
 * every madvise of it that began has returned, and nobody unmaps, replaces or madvises it from the
 * post to its completion. A munmap need not have returned: once the range is free, mmap gives it
 * to others, while the caller of munmap is still held for its event. Who does not own the buffer
 * may post all the same. What that sends does not matter, but it must not spoil the cache for the
 * owners that follow.
 *
 * Left out: other ranges (an entry or event stands for one that overlaps); mremap and brk, which
 * are a munmap or a replacement to the addresses they take away; changes that the kernel reports
 * to nobody; fork, exit and fatal signals; threads that the monitor cannot see; other uses of the
 * userfaultfd. Memory is sequentially consistent. Waiters of other events wake up in vain when one
 * is read: they show as running then, which only makes the monitor more careful. Pages have no
 * numbers: a pin knows whether its page is still the one at the address. That is all that the
 * invariant asks, and it keeps the states finite although nothing bounds what the threads do.
 */

#ifndef THREADS
#define THREADS 3
#endif
#define SLOTS 2

/* -DVARIANT=... changes one thing; README.md says what is expected of each. */
#define THE_PROTOCOL 0
#define SCAN_AFTER_READ 1
#define QUARANTINE_FOR_EVER 2
#define QUARANTINE_FOR_LIFE 3
#define NO_PENDING 4
#define PENDING_FIRST 5
#define RANGE_SCAN 6
#define NO_SUSPECTS 7
#define TRUST_RUNNING 8
#define LATE_QUARANTINE_CHECK 9
#define KILL_FIRST 10
#define KEEP_PROVISIONAL 11
#define QUARANTINE_UNTIL_CALM 12
#ifndef VARIANT
#define VARIANT THE_PROTOCOL
#endif
#define is(variant) (VARIANT == variant)

mtype:state = { FREE, PROVISIONAL, VALID, DEAD };
mtype:event = { UNMAP, REMOVE };
mtype:place = { RUNNING, IN_MADVISE, IN_OTHER_CALL };

/* The kernel. */
bool mapped;      /* something is mapped at the range, ... */
bool registered;  /* ... and registered with our userfaultfd */
byte changing;    /* its mmap_changing: callers that did not go on yet after their change */
chan events = [THREADS] of { mtype:event, byte };  /* the unread ones, each with its caller */
mtype:place place[THREADS] = RUNNING;  /* what /proc/self/task/T/syscall shows: the call in which
                                          T is blocked, or that it runs, inside or outside of one */

/* What posting threads and monitor share. */
typedef Entry {
  mtype:state state = FREE;
  bool current;  /* its pin is of the page at the address; false as well if it has no pin */
  byte users;    /* in use: not freed */
};
Entry entry[SLOTS];
bool pending;     /* the monitor may be behind the kernel */
byte quarantine;  /* a set of threads that may be inside a madvise that was reported but has not
                     yet dropped its pages. The range is in quarantine unless the set is empty. */
byte suspects;    /* the set that the monitor collects; a thread can take itself off both */
bool calm;        /* the monitor has seen an instant without a change since the quarantine was set */

/* Not in the program; the invariant is about them. */
byte advising;  /* calls of madvise in flight that have not dropped their pages */
byte owners;    /* posts by owners in flight */

#define set_of(thread) (1 << (thread))
#define NOBODY 0
#define ANYBODY set_of(THREADS)  /* whom nothing takes off */

/* The invariant must not hold merely because nothing is ever cached: -DREACH=true (reused, lifted)
 * makes it an error that an owner uses an entry (after such an event). */
#ifdef REACH
bool reused, lifted;
#define note(what, condition) what = what || (condition);
#else
#define REACH false
#define note(what, condition)
#endif

inline other_page() {
  entry[0].current = false;
  entry[1].current = false
}

/* Nobody unmaps during a madvise of the same memory: who does loses what is mapped there next. */
#define ORDERLY (is(QUARANTINE_FOR_LIFE) || is(QUARANTINE_UNTIL_CALM))

/* munmap, or mmap with MAP_FIXED, which leaves another mapping there. The counter rises under the
 * lock of the memory map, the event follows when the lock is released, and the counter falls when
 * the caller runs again after its event was read. Unregistered memory causes no event. */
inline unmap() {
  atomic {
    mapped && owners == 0 && (advising == 0 || !ORDERLY) ->
    if
    :: mapped = false
    :: true
    fi;
    other_page();
    watched = registered;
    registered = false;
    changing = changing + watched;
    note(reused, watched)
  }
  if
  :: atomic { watched -> watched = false; events ! UNMAP, me; place[me] = IN_OTHER_CALL }
     atomic { place[me] == RUNNING -> changing-- }
  :: else
  fi
}

/* MADV_DONTNEED and its like. The lock is released to wait for the event and taken again to drop
 * the pages, of whatever is mapped there by then. Pages of unregistered memory go at once. */
inline madvise() {
  atomic {
    mapped && owners == 0 ->
    if
    :: registered -> watched = true; changing++; advising++
    :: else -> other_page()
    fi
  }
  if
  :: atomic { watched -> watched = false; events ! REMOVE, me; place[me] = IN_MADVISE }
     atomic { place[me] == RUNNING -> changing-- }
     atomic { other_page(); advising-- }
  :: else
  fi
}

/* The ioctl: EAGAIN while the counter is not 0, ENOENT if the range is not registered. */
#define PROBE ((changing == 0 || is(RANGE_SCAN)) && mapped && registered)
#define KEPT_UP (!pending || is(NO_PENDING))
#define FIRST (is(PENDING_FIRST) -> KEPT_UP : PROBE)
#define SECOND (is(PENDING_FIRST) -> PROBE : KEPT_UP)

#define check(condition, otherwise) if :: condition :: else -> goto otherwise fi

/* A thread that certainly is elsewhere has left the madvise that it was suspected to be in. */
inline acquit(thread) {
  note(lifted, quarantine == set_of(thread))
  quarantine = quarantine & ~set_of(thread);
  suspects = suspects & ~set_of(thread)
}

/* Each atomic step is one look at, or one change of, what others change or look at, together with
 * what concerns this thread alone or is not part of the program. */
inline post() {
  atomic {
    acquit(me);  /* if the monitor notices it only later, more posts do without the cache */
    if
    :: mapped && advising == 0 -> owning = true; owners++
    :: true
    fi;
    if
    :: entry[0].state == VALID -> slot = 0
    :: entry[1].state == VALID -> slot = 1
    :: goto insert  /* also beside a valid entry, which may be of another length */
    :: goto done    /* small and copied, or nothing could be pinned */
    fi;
    entry[slot].users++
  }
  atomic { check(FIRST, missed) }
  atomic { check(SECOND, missed) }
  atomic {
    check(entry[slot].state == VALID, missed);
    assert(!owning || entry[slot].current);
    assert(!owning || !(REACH));
    entry[slot].users--;
    goto done;

missed:
    entry[slot].users--;
insert:
    if
    :: entry[0].state == FREE -> slot = 0
    :: entry[0].state != FREE && entry[1].state == FREE -> slot = 1
    :: else -> goto done
    fi;
    entry[slot].state = PROVISIONAL;
    entry[slot].users = 1
  }
  atomic { check(quarantine == NOBODY || is(LATE_QUARANTINE_CHECK), dropped) }
  atomic { check(mapped, dropped); registered = true }
  atomic { check(mapped, dropped); entry[slot].current = true }
  atomic { check(FIRST, dropped) }
  atomic { check(SECOND, dropped) }
  atomic {
    check(quarantine == NOBODY || !is(LATE_QUARANTINE_CHECK), dropped);
    check(entry[slot].state == PROVISIONAL, dropped);
    entry[slot].state = VALID;
    entry[slot].users = 0;
    goto done;

dropped:  /* the pin after this one operation, and the entry */
    entry[slot].state = FREE;
    entry[slot].current = false;
    entry[slot].users = 0;
done:
    owners = owners - owning;
    owning = false;
    slot = 0
  }
}

active [THREADS] proctype application() {
  byte me = _pid;
  byte slot;
  bool watched, owning;
  do
  :: unmap()
  :: atomic { !mapped -> mapped = true }
  :: madvise()
  :: post()
  :: place[me] = IN_OTHER_CALL; place[me] = RUNNING
  od
}

/* One thread after the other, while they go on. */
inline collect_suspects() {
  do
  :: atomic {
       if
       :: place[thread] == IN_MADVISE || (place[thread] == RUNNING && !is(TRUST_RUNNING)) ->
            suspects = suspects | set_of(thread)
       :: else
       fi;
       thread++;
       if
       :: thread == THREADS -> thread = 0; break
       :: else
       fi
     }
  od
}

inline update_quarantine() {
  atomic {
    if
    :: event == REMOVE && is(NO_SUSPECTS)
    :: event == REMOVE && !is(NO_SUSPECTS) ->
         quarantine = quarantine | suspects |
           ((ORDERLY || is(QUARANTINE_FOR_EVER)) -> ANYBODY : NOBODY);
         calm = false
    :: event == UNMAP && (is(QUARANTINE_FOR_LIFE) || calm) ->
         note(lifted, quarantine != NOBODY)
         quarantine = NOBODY
    :: event == UNMAP && !(is(QUARANTINE_FOR_LIFE) || calm)
    fi;
    suspects = NOBODY
  }
}

inline kill(i) {
  atomic {
    if
    :: entry[i].state == VALID -> entry[i].state = DEAD
    :: entry[i].state == PROVISIONAL && !is(KEEP_PROVISIONAL) -> entry[i].state = DEAD
    :: else
    fi
  }
}

active proctype monitor() {
  mtype:event event;
  byte thread;
  do
  :: atomic { nempty(events) -> pending = true }
     do
     :: nempty(events) ->
#if VARIANT == SCAN_AFTER_READ || VARIANT == TRUST_RUNNING
        atomic { events ? event, thread; place[thread] = RUNNING; thread = 0 }
        if
        :: event == REMOVE -> collect_suspects()
        :: event == UNMAP
        fi;
#else
        collect_suspects();
        atomic { events ? event, thread; place[thread] = RUNNING; thread = 0 }
#endif
#if VARIANT == KILL_FIRST
        kill(0);
        kill(1);
        update_quarantine()
#else
        update_quarantine();
        kill(0);
        kill(1)
#endif
     :: empty(events) -> break
     od;
     pending = false
  :: atomic { quarantine != NOBODY && changing == 0 && is(QUARANTINE_UNTIL_CALM) -> calm = true }
  :: atomic { quarantine != NOBODY ->  /* look at one of the threads */
       do
       :: thread < THREADS - 1 -> thread++
       :: break
       od;
       if
       :: place[thread] == IN_OTHER_CALL -> acquit(thread)
       :: place[thread] == RUNNING && is(TRUST_RUNNING) -> acquit(thread)
       :: else
       fi;
       thread = 0
     }
  od
}

inline free(i) {  /* what is dead, and, to make room, what is idle */
  atomic {
    entry[i].users == 0 && (entry[i].state == DEAD || entry[i].state == VALID) ->
    entry[i].state = FREE;
    entry[i].current = false
  }
}

active proctype reaper() {
  do
  :: free(0)
  :: free(1)
  od
}
