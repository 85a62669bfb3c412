/**
 * The built-in texts. Both were written for this page, about films that do not exist.
 *
 * `label` is what a reader would say of the whole; the page never shows it, the browser test checks it.
 *
 * @type {Record<'long' | 'short', { label: 'positive' | 'negative', text: string }>}
 */
export const SAMPLES = {
  long: {
    label: 'positive',
    text: `I nearly walked out of "The Salt Road" after half an hour, and I am very glad that I stayed.

The story is simple enough. Marta, a retired ferry captain, learns that the village she grew up in will be flooded for a new reservoir. She has three weeks to move her mother's grave, and the only person who still knows the old road over the salt flats is Anton, the brother she has not spoken to for thirty years. They load a coffin onto a borrowed truck and drive. That is the plot, all of it, and for a long time I was not sure that it would be enough to carry two hours and forty minutes.

Let me begin with what is wrong. There is a narrator who explains everything twice, a dream with a white horse, and a scene at the town hall where four clerks read out the law as if they were being paid by the word. The music of these first scenes is a sad piano that tells you what to feel before anybody has done anything. The mayor is a cartoon: he smokes, he laughs at widows, and he has a gold tooth. A young journalist follows the pair with a camera and disappears in the second hour, and nobody in the film seems to notice.

It is also slow. I like slow films, but there is a difference between patience and simply not cutting. Twice we watch the truck cross the whole screen from left to right, and both times I found myself thinking about my shopping.

And then, about forty minutes in, the truck breaks down, the two of them have to spend a night in an empty school, and the film wakes up. Nothing much happens in that scene. Marta finds the bench where she used to sit. Anton finds a tin of fish and opens it with a screwdriver. They share it without a word, and then he starts to laugh, because it is exactly the brand that their mother hated, and she laughs too, and in the middle of laughing you see that she is crying. It is a wonderful piece of acting. There is no music, no close-up, no speech, and I do not think that I have seen anything so honest in a cinema for years.

From there on it hardly puts a foot wrong. Ilse Brandt is superb as Marta. She is funny and hard and tired, and she can do more with the way she takes off a pair of gloves than most actors can with a page of dialogue. Peter Olufsen, whom I only knew from silly television comedies, is a revelation as the brother. He plays him as a man who has been waiting for thirty years to apologise and has forgotten how the sentence begins. When it finally comes out, late in the film, on the flats, in the wrong moment and in the wrong words, it is the most moving thing I have seen this year. I heard people around me crying, and I was one of them.

The photography deserves a paragraph of its own. The salt flats are shot at dawn and at dusk, and they are beautiful, but they are never just pretty: the white ground takes away every landmark, and you understand in your stomach why somebody could get lost there for good. A long shot of the truck with its small lamp, the size of a firefly under a huge violet sky, was worth the ticket alone. The sound is brilliant as well. You hear the crust breaking under the wheels, and after an hour you listen to it as nervously as they do.

I have some complaints about the ending. There is one scene too many, the mayor has to come back to be taught a lesson, and the narrator, who had mercifully been silent, gets a last word that nobody needed. It is a pity, because the image just before it, the two of them asleep on each other's shoulder while the water rises in the valley behind, is perfect. Stop there and you have a masterpiece.

But I forgive it all of that. A week later I have forgotten the gold tooth and the dream with the horse, and I still think about the tin of fish every day. I called my own sister on the way home. We talked for two hours, which we had not done since spring. I do not know how many films can do that to a person; very few, I believe. "The Salt Road" is uneven, too long, and clumsy whenever it tries to be clever. It is also warm, wise, superbly acted, and in its best moments truly great. Be patient with the first half hour. What comes after it is one of the loveliest films that I have seen in a long time, and I recommend it with all my heart.`
  },
  short: {
    label: 'negative',
    text: `I wanted to like "Midnight Freight", I really did. The trailer promised a tense thriller on a night train. What we got is ninety minutes of bad acting, cheap effects and a plot that makes no sense at all. The hero forgets his own gun in three scenes, the villain explains his plan to a suitcase, and the twist is so predictable that the whole row guessed it before the first station. Even the train looks fake. A dull, lazy waste of time; avoid it.`
  }
}
