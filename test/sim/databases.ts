/** What operators do to the database as a whole, and what people then know no more. */
import type { Book, People } from './people.ts'
import type { Promises } from './promises.ts'
import type { SchedulerHost } from './scheduler-host.ts'

export class Databases {
  readonly #scheduler: SchedulerHost
  readonly #people: People
  readonly #promises: Promises
  #atBackup: Book | null = null
  #atLeaving: Book | null = null

  constructor(scheduler: SchedulerHost, people: People, promises: Promises) {
    this.#scheduler = scheduler
    this.#people = people
    this.#promises = promises
  }

  backup(): void {
    const { disk, host, world, isAstray } = this.#scheduler
    if (disk.files === null || isAstray) return
    disk.files.backup(host.now())
    this.#atBackup = this.#people.save()
    world.note('a backup is made')
  }

  restore(): void {
    if (this.#atBackup === null) return this.backup()
    if (this.#scheduler.isAstray) return
    this.#scheduler.restore()
    this.#rewind(this.#atBackup)
  }

  leave(): void {
    if (this.#scheduler.disk.files === null || this.#scheduler.isAstray) return
    this.#atLeaving = this.#people.save()
    this.#scheduler.goAstray()
  }

  comeBack(): void {
    if (this.#atLeaving === null || !this.#scheduler.isAstray) return
    this.#scheduler.comeBack()
    this.#rewind(this.#atLeaving)
  }

  #rewind(book: Book): void {
    this.#people.rewind(book)
    this.#promises.rewind()
  }
}
