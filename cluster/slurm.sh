#!/usr/bin/env bash
#SBATCH --job-name=caviar
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --time=08:00:00
# A Ray cluster inside one Slurm job, and a study on it: sbatch cluster/slurm.sh --trials 512 --waves 4
# Everything after the script's name goes to `caviar run`. The study's folder is on the shared file system, so
# when the time is up, `sbatch cluster/slurm.sh resume runs/NAME` continues it.
set -euo pipefail

# shellcheck source=/dev/null
source "${CAVIAR_VENV:-$HOME/caviar/.venv}/bin/activate"

# other people's jobs can reach this network: only those who know the token may run code here
export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0
RAY_AUTH_TOKEN=$(python -c 'import secrets; print(secrets.token_hex(32))')
export RAY_AUTH_TOKEN

mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
head=${nodes[0]}
address=$(srun --nodes=1 --ntasks=1 --nodelist="$head" hostname --ip-address | awk '{print $1}')
port=$((20000 + SLURM_JOB_ID % 20000))

step() { # step NODE COMMAND...: run a command on one node, with all of its CPUs
  local node=$1
  shift
  srun --nodes=1 --ntasks=1 --cpus-per-task="$SLURM_CPUS_PER_TASK" --nodelist="$node" --overlap "$@"
}

step "$head" ray start --head --block --node-ip-address="$address" --port="$port" \
  --dashboard-host=127.0.0.1 --num-cpus="$SLURM_CPUS_PER_TASK" &
until step "$head" ray health-check --address="$address:$port" 2>/dev/null; do sleep 2; done
for node in "${nodes[@]:1}"; do
  step "$node" ray start --block --address="$address:$port" --num-cpus="$SLURM_CPUS_PER_TASK" &
done

command=run
if [ "${1:-}" = resume ]; then
  command=resume
  shift
fi
step "$head" caviar "$command" --address "$address:$port" "$@"
