# Completion of evt_wait, evt_set, evt_clear, evt_list and evt_unlink in fish: options, and the
# names of the events that there are.

functions -q __evt_names; and return

# What is typed, word by word, each in a line of its own: prefix P, literal (--), many, awaits (an
# option's value), used NAME.
function __evt_typed
    set -l awaited
    set -l literal
    for word in (commandline -opc)[2..-1]
        if test -n "$awaited"
            test $awaited = --prefix; and echo prefix $word
            set awaited
        else if test -n "$literal"
            echo used $word
        else
            switch $word
                case --
                    set literal 1
                    echo literal
                case --prefix -t --timeout
                    set awaited $word
                case '--prefix=*'
                    echo prefix (string replace -- --prefix= '' $word)
                case --any --all
                    echo many
                case '-?*'
                case '*'
                    echo used $word
            end
        end
    end
    test -n "$awaited"; and echo awaits
end

function __evt_names
    set -l typed (__evt_typed)
    contains awaits $typed; and return
    set -l program (commandline -opc)[1]
    set -l used (string replace -rf '^used ' '' -- $typed)
    if test (count $used) -gt 0
        contains many $typed; or string match -q '*evt_unlink' -- $program; or return
    end
    set -l list evt_list
    string match -q '*/*' -- $program; and set list (string replace -r "[^/]*\$" evt_list -- $program)
    # Nobody waits longer for a server that does not answer.
    test -n "$SYSTEMEVENT_URL"; and set -p list timeout 2
    set -l options --names
    set -l prefix (string replace -rf '^prefix ' '' -- $typed)
    set -q prefix[1]; and set -a options --prefix $prefix[-1]
    # Without names that contain a tab or a new line, which fish takes for the end of a candidate, or
    # a byte that is no character.
    for name in (command $list $options 2>/dev/null | string match -rv '(?<!\\\\)(\\\\\\\\)*\\\\([nt]|x[89a-f])')
        string match -q -- '*\\\\*' $name; and set name (printf %b $name)
        string match -q -- '-*' $name; and not contains literal $typed; and continue
        contains -- $name $used; and continue
        printf '%s\n' $name
    end
end

begin
    set -l command
    for command in evt_wait evt_set evt_clear evt_list evt_unlink
        complete -c $command -f -a '(__evt_names)'
        complete -c $command -l prefix -x -d 'What the semaphore is called before the name'
        complete -c $command -l help -s h -d 'Show how the command is used'
        complete -c $command -l version -d 'Show the version'
    end
end
complete -c evt_wait -l any -d 'Wait until one of several events is set'
complete -c evt_wait -l all -d 'Wait until several events are set at the same time'
complete -c evt_wait -s t -l timeout -x -d 'Wait at the most that many seconds'
complete -c evt_list -l names -d 'List the names only'
complete -c evt_list -l json -d 'Write an array of objects'
