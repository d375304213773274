# Completion of horde for fish:
#   horde completion fish > ~/.config/fish/completions/horde.fish

function __horde_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program $words[1]
    for line in ($program __complete $words[2..] "$current" 2>/dev/null)
        if test "$line" = :files
            __fish_complete_path "$current"
        else
            echo $line
        end
    end
end

complete -c horde -f -a '(__horde_complete)'
